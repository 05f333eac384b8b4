/** @file The panel of tokens: the samples of one configuration as training reads them, with the text that is not saved yet. */
import { basename, dirname } from 'node:path';
import { l10n, Position, Range, RelativePattern, Uri, window, workspace, type WebviewPanel } from 'vscode';
import type { Handlers } from '../../kernels/protocol/channel';
import type { SampleSet, SampleSource } from '../../kernels/protocol/calls/tokens';
import { KernelError } from '../../kernels/protocol/errors';
import type { TokensPage, TokensSnapshot } from '../../webview/protocol/tokens';
import type { KernelHost } from '../kernel/kernelHost';
import { PageConnection } from '../pages/pageConnection';
import { pageHtml, pageRoot } from '../pages/pageHtml';

import { debounce } from '../util/debounce';
import { Owner } from '../util/disposables';
import type { Log } from '../util/log';
import { savePicture } from './saveFile';
import { tokensGuards } from './tokensGuards';

/** After the last keystroke. */
const DELAY_MS = 300;
export class TokensPanel extends Owner {
  private readonly page: PageConnection<TokensPage>;
  private revision = 1;
  /** Data files that a sample was shown from: what the page may have opened, and what is watched. */
  private readonly shownFiles = new Set<string>();
  private readonly watch: (file: string) => void;

  /** Takes the panel over: it is disposed with this object and this object with it. */
  constructor(
    private readonly config: Uri,
    private readonly panel: WebviewPanel,
    extensionUri: Uri,
    private readonly kernel: Pick<KernelHost, 'call'>,
    private readonly log: Log,
  ) {
    super();
    panel.title = l10n.t('Tokens: {0}', workspace.asRelativePath(config).split('/').at(-1) ?? '');
    this.page = this.register(new PageConnection(panel.webview, this.handlers(), tokensGuards, log));
    const changed = this.register(debounce(DELAY_MS, () => this.onChange()));
    this.register(workspace.onDidChangeTextDocument(({ document }) => this.isOurs(document.uri) && changed()));
    this.register(workspace.onDidCloseTextDocument(({ uri }) => this.isOurs(uri) && changed()));
    this.watch = (file) => {
      const watcher = this.register(
        workspace.createFileSystemWatcher(new RelativePattern(dirname(file), basename(file))),
      );
      for (const event of [watcher.onDidChange, watcher.onDidCreate, watcher.onDidDelete])
        this.register(event(changed));
    };
    this.watch(config.fsPath);
    panel.webview.options = { enableScripts: true, localResourceRoots: [pageRoot(extensionUri)] };
    panel.webview.html = pageHtml(panel.webview, extensionUri, 'tokens', panel.title);
  }

  reveal(): void {
    this.panel.reveal(undefined, false);
  }

  private isOurs(uri: Uri): boolean {
    return uri.toString() === this.config.toString();
  }

  private onChange(): void {
    this.revision++;
    this.page.emit('config/changed', this.snapshot());
  }

  private snapshot(): TokensSnapshot {
    const { config, revision } = this;
    return { config: config.toString(), name: workspace.asRelativePath(config), revision };
  }

  private source(set: SampleSet): SampleSource {
    const document = workspace.textDocuments.find(({ uri }) => this.isOurs(uri));
    return { config: this.config.fsPath, set, ...(document && { text: document.getText() }) };
  }

  private handlers(): Handlers<TokensPage> {
    return {
      'page/open': () => this.snapshot(),
      'tokens/show': async ({ set, goal }, { signal }) => {
        const answer = await this.kernel.call('tokens/show', { source: this.source(set), goal }, { signal });
        const file = answer.sample?.file;
        if (file !== undefined && !this.shownFiles.has(file)) {
          this.shownFiles.add(file);
          this.watch(file);
        }
        return answer;
      },
      'tokens/lengths': ({ set }, { signal }) =>
        this.kernel.call('tokens/lengths', { source: this.source(set) }, { signal }),
      'sample/open': ({ file, line }) => this.openFile(file, line),
      'save/png': ({ name, dataUrl }) => savePicture(name, dataUrl, this.log),
    };
  }

  private async openFile(file: string, line: number): Promise<void> {
    if (!this.shownFiles.has(file)) throw new KernelError('internal', 'The page named a file that was not shown.');
    const at = new Position(Math.max(0, line - 1), 0);
    await window.showTextDocument(Uri.file(file), { selection: new Range(at, at), preview: true });
  }
}
