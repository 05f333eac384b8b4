/**
 * @file Makes the parts and registers them. Nothing here starts the engine: its first call does.
 *
 * Activation is by our views and commands (both implied by package.json), by our dashboards after a reload, and by the first
 * YAML document (`onLanguage:yaml`): configurations are YAML, and a language of our own would take the YAML support of other
 * extensions away from them, while `workspaceContains` would search the whole workspace in every window. It costs little:
 * what is done here is registration; the search for runs goes on in the background.
 */
import { join } from 'node:path';
import { Disposable, l10n, window, type ExtensionContext } from 'vscode';
import { registerCommands } from './commands/registerCommands';
import { ContextKeys } from './contextKeys';
import { ConfigChecks } from './editors/configChecks';
import { ConfigCompletion } from './editors/configCompletion';
import { ConfigDiagnostics } from './editors/configDiagnostics';
import { ConfigFigures } from './editors/configFigures';
import { ConfigFiles } from './editors/configFiles';
import { ConfigFixes } from './editors/configFixes';
import { ConfigFormView } from './editors/configFormView';
import { ConfigHints } from './editors/configHints';
import { ConfigHovers } from './editors/configHover';
import { ConfigLens } from './editors/configLens';
import { DataChecks } from './editors/dataChecks';
import { DataDiagnostics } from './editors/dataDiagnostics';
import { DataLens } from './editors/dataLens';
import { AdapterLens } from './inspector/adapterLens';
import { CheckResults } from './inspector/checkResults';
import { InspectorEditor } from './inspector/inspectorEditor';
import { admitCall } from './kernel/callTrust';
import { KernelHost } from './kernel/kernelHost';
import { ModelLibrary } from './models/modelLibrary';
import { RunLibrary } from './runs/runLibrary';
import type { Studio } from './studio';
import { DisposableStore } from './util/disposables';
import { scoped } from './util/log';
import { Comparisons } from './views/comparisons';
import { ConfigPanels } from './views/configPanels';
import { Dashboards } from './views/dashboards';
import { EstimatePanel } from './views/estimatePanel';
import { ModelsTree } from './views/modelsTree';
import { Reports } from './views/reports';
import { RunNotices } from './views/runNotices';
import { RunStatus } from './views/runStatus';
import { RunsView } from './views/runsView';
import { TokensPanel } from './views/tokensPanel';
import { TryItPanels } from './views/tryItPanels';
import { TryItSources } from './views/tryItSources';
import { WatchNotices } from './views/watchNotices';

export function activate(context: ExtensionContext): void {
  const { extensionUri, workspaceState: memory } = context;
  const parts = new DisposableStore();
  context.subscriptions.push(parts);

  const log = parts.add(window.createOutputChannel('Adapter Studio', { log: true }));
  const makeKernel = (scope: string, onGivenUp: (reason: string) => void): KernelHost => {
    const kernelLog = scoped(log, scope);
    const file = join(context.extensionPath, 'dist', 'kernel.js');
    const launch = async () => {
      const { launchKernel } = await import('./kernel/processTransport');
      return launchKernel(file, (line) => kernelLog.info(line), l10n.uri?.fsPath);
    };
    return new KernelHost({ launch, log: kernelLog, admit: admitCall, onGivenUp });
  };
  const kernel = parts.add(makeKernel('engine', (reason) => void tellGivenUp(studio, reason)));
  const configs = parts.add(new ConfigFiles());
  const checks = parts.add(new ConfigChecks(kernel, scoped(log, 'check')));
  const dataChecks = parts.add(new DataChecks(kernel, configs, checks, scoped(log, 'data')));
  const language = { kernel, log: scoped(log, 'language') };
  const figures = parts.add(new ConfigFigures(language, checks, dataChecks));
  const runs = parts.add(new RunLibrary(configs, memory, scoped(log, 'runs')));
  const models = parts.add(new ModelLibrary(kernel, runs));
  const form = parts.add(
    new ConfigFormView({ extensionUri, kernel, files: configs, checks, figures, memory, log: scoped(log, 'form') }),
  );
  const dashboards = parts.add(new Dashboards(extensionUri, runs, scoped(log, 'dashboard')));
  const comparisons = parts.add(new Comparisons(extensionUri, dashboards, scoped(log, 'comparison')));
  const estimateOptions = { extensionUri, kernel, log: scoped(log, 'estimate') };
  const estimates = parts.add(
    new ConfigPanels(
      'adapterStudio.estimate',
      (config, panel) => new EstimatePanel(config, panel, estimateOptions),
      estimateOptions.log,
    ),
  );
  const tokensLog = scoped(log, 'tokens');
  const tokens = parts.add(
    new ConfigPanels(
      'adapterStudio.tokens',
      (config, panel) => new TokensPanel(config, panel, extensionUri, kernel, tokensLog),
      tokensLog,
    ),
  );
  const tryIt = parts.add(
    new TryItPanels({
      extensionUri,
      sources: new TryItSources(runs, models, scoped(log, 'try it')),
      onDidChange: (listener) => Disposable.from(runs.onDidChange(listener), models.onDidChange(listener)),
      // Whoever waits for its answer is told; there is nothing to do but to ask again.
      makeKernel: () => makeKernel('writer', () => undefined),
      log: scoped(log, 'try it'),
    }),
  );
  const runsView = parts.add(new RunsView(runs, memory));
  const checkResults = parts.add(new CheckResults());
  const studio: Studio = {
    extensionUri,
    log,
    kernel,
    configs,
    form,
    runs,
    models,
    dashboards,
    comparisons,
    tokens,
    tryIt,
    estimates,
    runsView,
    reports: parts.add(new Reports()),
    checkResults,
  };

  parts.add(new InspectorEditor({ extensionUri, kernel, log: scoped(log, 'inspector') }));
  parts.add(new AdapterLens(kernel, scoped(log, 'inspector')));
  parts.add(new ConfigDiagnostics(checks));
  parts.add(new ConfigLens(checks, runs));
  parts.add(new ConfigFixes(checks));
  parts.add(new ConfigCompletion({ ...language, models }));
  parts.add(new ConfigHovers(language));
  parts.add(new DataDiagnostics(dataChecks));
  parts.add(new DataLens(dataChecks));
  parts.add(new ConfigHints(language, figures));
  parts.add(new ContextKeys(runs, models));
  parts.add(new RunStatus(runs));
  parts.add(new RunNotices(runs));
  parts.add(new WatchNotices(runs, memory, scoped(log, 'watch')));
  const modelsTree = parts.add(new ModelsTree(models));
  parts.add(window.createTreeView('adapterStudio.models', { treeDataProvider: modelsTree }));
  parts.add(registerCommands(studio));
  void runs.refresh();
}

async function tellGivenUp(studio: Studio, reason: string): Promise<void> {
  const restart = l10n.t('Restart');
  const showLog = l10n.t('Show Log');
  const message = l10n.t('The engine of Adapter Studio stopped several times ({0}) and was not started again.', reason);
  const choice = await window.showErrorMessage(message, restart, showLog);
  if (choice === restart) studio.kernel.restart();
  if (choice === showLog) studio.log.show();
}
