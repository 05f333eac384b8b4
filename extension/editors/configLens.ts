/** @file The line over a configuration: Train (or the run that is under way), Estimate, Show tokens, and what it will train. */
import { CodeLens, EventEmitter, l10n, languages, Range, workspace, type TextDocument } from 'vscode';
import type { CodeLensProvider } from 'vscode';
import { commandNeedsTrust, type CommandId } from '../commands/table';
import type { RunLibrary } from '../runs/runLibrary';
import type { RunSummary } from '../runs/runSummary';
import { Owner } from '../util/disposables';
import { formatCount, formatNumber } from '../util/format';
import { CONFIG_SELECTOR } from './configFiles';
import type { ConfigChecks } from './configChecks';

export class ConfigLens extends Owner implements CodeLensProvider {
  private readonly changed = this.register(new EventEmitter<void>());
  readonly onDidChangeCodeLenses = this.changed.event;
  private shownRuns = '';

  constructor(
    private readonly checks: ConfigChecks,
    private readonly runs: RunLibrary,
  ) {
    super();
    this.register(languages.registerCodeLensProvider(CONFIG_SELECTOR, this));
    this.register(checks.onDidCheck(() => this.changed.fire()));
    this.register(runs.onDidChange(() => this.onRuns()));
    this.register(workspace.onDidGrantWorkspaceTrust(() => this.changed.fire()));
  }

  /** Only when a run begins, ends or moves up in the queue: an editor that is told more often than it can draw never draws. */
  private onRuns(): void {
    const live = this.runs.liveRuns.map((run) => `${run.folder} ${this.runs.placeOf(run) ?? ''}`).join('\n');
    if (live === this.shownRuns) return;
    this.shownRuns = live;
    this.changed.fire();
  }

  provideCodeLenses(document: TextDocument): CodeLens[] {
    const top = new Range(0, 0, 0, 0);
    const lenses: CodeLens[] = [];
    const live = this.runs.liveRunOf(document.uri);
    if (live) {
      const title = this.liveTitle(live);
      lenses.push(new CodeLens(top, { title, command: 'adapterStudio.openDashboard', arguments: [live] }));
    } else if (workspace.isTrusted) {
      const title = `$(play) ${l10n.t('Train')}`;
      lenses.push(new CodeLens(top, { title, command: 'adapterStudio.train', arguments: [document.uri] }));
    }
    for (const { title, command } of looks()) {
      if (commandNeedsTrust[command] && !workspace.isTrusted) continue;
      lenses.push(new CodeLens(top, { title, command, arguments: [document.uri] }));
    }
    const about = this.about(document);
    if (about) lenses.push(new CodeLens(top, about));
    return lenses;
  }

  private liveTitle(run: RunSummary): string {
    const place = this.runs.placeOf(run);
    return place === undefined
      ? `$(sync~spin) ${l10n.t('Training: open dashboard')}`
      : `$(watch) ${l10n.t('Queued, place {0}: open dashboard', place)}`;
  }

  private about(document: TextDocument): { title: string; command: string } | undefined {
    const check = this.checks.get(document.uri);
    if (!check) return undefined;
    if (check.failure !== undefined) {
      return { title: `$(warning) ${l10n.t('Not checked: show log')}`, command: 'adapterStudio.showLog' };
    }
    const errors = check.problems.filter((problem) => problem.severity === 'error').length;
    if (errors > 0) {
      const title = errors === 1 ? l10n.t('1 problem') : l10n.t('{0} problems', errors);
      return { title: `$(error) ${title}`, command: 'workbench.actions.view.problems' };
    }
    const { summary } = check;
    if (!summary) return undefined;
    const share = (100 * summary.trainableParameters) / summary.baseParameters;
    const figures = [
      summary.method,
      summary.modelType,
      formatCount(summary.trainableParameters),
      formatCount(summary.baseParameters),
      formatNumber(Number(share.toPrecision(2))),
    ];
    const title =
      summary.adaptedModules > 0
        ? l10n.t('{0} on {1}: {2} of {3} parameters ({4} %) in {5} modules', ...figures, summary.adaptedModules)
        : l10n.t('{0} on {1}: {2} of {3} parameters ({4} %)', ...figures);
    return { title, command: '' };
  }
}

/** What can be looked at before a run. */
function looks(): readonly { readonly title: string; readonly command: CommandId }[] {
  return [
    { title: `$(dashboard) ${l10n.t('Estimate')}`, command: 'adapterStudio.estimate' },
    { title: `$(symbol-string) ${l10n.t('Show tokens')}`, command: 'adapterStudio.showTokens' },
  ];
}
