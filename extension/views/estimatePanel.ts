/** @file One estimate: a panel about one configuration file, made again whenever the file is saved, measured when asked. */
import { commands, l10n, Range, RelativePattern, Uri, window, workspace, type WebviewPanel } from 'vscode';
import type { Handlers } from '../../kernels/protocol/channel';
import type { EstimateReport } from '../../kernels/protocol/calls/estimate';
import { KernelError } from '../../kernels/protocol/errors';
import type {
  EstimateCommand,
  EstimateFailure,
  EstimatePage,
  EstimateSnapshot,
  EstimateWork,
} from '../../webview/protocol/estimate';
import type { CommandId } from '../commands/table';
import { CONFIG_SUFFIX } from '../editors/configFiles';
import type { KernelHost } from '../kernel/kernelHost';
import { PageConnection } from '../pages/pageConnection';
import { pageHtml, pageRoot } from '../pages/pageHtml';
import { debounce, throttle } from '../util/debounce';
import { Owner } from '../util/disposables';
import type { Log } from '../util/log';
import { estimatePanelGuards } from './estimatePanelGuards';

const UPDATE_INTERVAL_MS = 250;
/** Programs that write a file in pieces are waited for. */
const FILE_CHANGE_MS = 300;

export interface EstimatePanelOptions {
  readonly extensionUri: Uri;
  readonly kernel: Pick<KernelHost, 'call'>;
  readonly log: Log;
}

export class EstimatePanel extends Owner {
  private readonly page: PageConnection<EstimatePage>;
  private readonly update: () => void;
  private report: EstimateReport | null = null;
  private failure: EstimateFailure | null = null;
  private work: EstimateWork | null = null;
  private running: AbortController | null = null;

  /** Takes the panel over: it is disposed with this object and this object with it. */
  constructor(
    readonly config: Uri,
    private readonly panel: WebviewPanel,
    private readonly options: EstimatePanelOptions,
  ) {
    super();
    const { extensionUri, log } = options;
    this.page = this.register(new PageConnection(panel.webview, this.handlers(), estimatePanelGuards, log));
    this.update = this.register(
      throttle(UPDATE_INTERVAL_MS, () => this.page.emit('estimate/changed', this.snapshot())),
    );
    this.register(workspace.onDidGrantWorkspaceTrust(this.update));
    const isOurs = (uri: Uri): boolean => uri.toString() === config.toString();
    // Whether it is saved is part of what is shown; what it says is read when it is on disk.
    this.register(workspace.onDidChangeTextDocument(({ document }) => isOurs(document.uri) && this.update()));
    this.register(workspace.onDidSaveTextDocument(({ uri }) => isOurs(uri) && this.update()));
    const again = this.register(debounce(FILE_CHANGE_MS, () => void this.estimate('estimating')));
    // A name may hold what means something in a pattern, so the pattern is wider and the file is compared.
    const pattern = new RelativePattern(Uri.joinPath(config, '..'), `*${CONFIG_SUFFIX}`);
    const watcher = this.register(workspace.createFileSystemWatcher(pattern));
    this.register(watcher.onDidChange((uri) => isOurs(uri) && again()));
    this.register(watcher.onDidCreate((uri) => isOurs(uri) && again()));
    this.register({ dispose: () => this.running?.abort() });
    const icon = (theme: string) => Uri.joinPath(extensionUri, 'media', 'icons', `dashboard-${theme}.svg`);
    panel.iconPath = { light: icon('light'), dark: icon('dark') };
    panel.title = l10n.t('Estimate: {0}', this.name);
    panel.webview.options = { enableScripts: true, localResourceRoots: [pageRoot(extensionUri)] };
    panel.webview.html = pageHtml(panel.webview, extensionUri, 'estimate', panel.title);
    void this.estimate('estimating');
  }

  reveal(): void {
    this.panel.reveal(undefined, false);
  }

  /** Makes the estimate anew; one that is under way is left. */
  async estimate(kind: EstimateWork['kind']): Promise<void> {
    this.running?.abort();
    const running = new AbortController();
    this.running = running;
    this.work = { kind, message: '' };
    this.update();
    try {
      const method = kind === 'measuring' ? 'estimate/measure' : 'estimate/run';
      const report = await this.options.kernel.call(
        method,
        { config: this.config.fsPath },
        {
          signal: running.signal,
          onProgress: ({ message, fraction }) => {
            if (this.running !== running) return;
            this.work = { kind, message, ...(fraction !== undefined && { fraction }) };
            this.update();
          },
        },
      );
      if (this.running !== running) return;
      this.report = report;
      this.failure = null;
    } catch (error) {
      if (this.running !== running) return;
      if (!KernelError.is(error, 'cancelled')) this.fail(error);
    } finally {
      if (this.running === running) {
        this.running = null;
        this.work = null;
        this.update();
      }
    }
  }

  private fail(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    this.failure = { message, problems: KernelError.is(error) ? error.problems : [] };
    this.options.log.warn(`no estimate of ${this.config.fsPath}: ${message}`);
  }

  private handlers(): Handlers<EstimatePage> {
    return {
      'page/open': () => this.snapshot(),
      'estimate/command': ({ command }) => this.runCommand(command),
      'estimate/openFile': async ({ file, line = 1 }) => {
        if (!this.shownFiles.includes(file))
          throw new KernelError('internal', 'The page named a file that was not shown.');
        const at = Math.max(0, line - 1);
        await window.showTextDocument(Uri.file(file), { selection: new Range(at, 0, at, 0) });
      },
    };
  }

  /** What the page may have opened: the file of a problem, and that of the longest sample. */
  private get shownFiles(): readonly string[] {
    const longest = this.report?.data.longest.file;
    return [...(this.failure?.problems.map(({ file }) => file) ?? []), ...(longest === undefined ? [] : [longest])];
  }

  private async runCommand(command: EstimateCommand): Promise<void> {
    switch (command) {
      case 'measure':
        void this.estimate('measuring');
        break;
      case 'again':
        void this.estimate('estimating');
        break;
      case 'cancel':
        this.running?.abort();
        break;
      case 'train':
        // Commands show their own failures, so that they look the same from wherever they are run.
        await commands.executeCommand('adapterStudio.train' satisfies CommandId, this.config);
        break;
      case 'openText':
        await window.showTextDocument(this.config);
        break;
    }
  }

  private snapshot(): EstimateSnapshot {
    const document = workspace.textDocuments.find(({ uri }) => uri.toString() === this.config.toString());
    return {
      config: this.config.toString(),
      name: this.name,
      report: this.report,
      failure: this.failure,
      work: this.work,
      isDirty: document?.isDirty ?? false,
      canRun: workspace.isTrusted,
    };
  }

  private get name(): string {
    return workspace.asRelativePath(this.config);
  }
}
