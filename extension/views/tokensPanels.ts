/** @file The open panels of tokens, one for each configuration; a reload of the window brings them back. */
import { l10n, Uri, ViewColumn, window, workspace, type WebviewPanel } from 'vscode';
import { isConfigFile } from '../editors/configFiles';
import type { KernelHost } from '../kernel/kernelHost';
import { Owner } from '../util/disposables';
import type { Log } from '../util/log';
import { TokensPanel } from './tokensPanel';

const TOKENS_VIEW_TYPE = 'adapterStudio.tokens';

export class TokensPanels extends Owner {
  private readonly open = new Map<string, TokensPanel>();

  constructor(
    private readonly extensionUri: Uri,
    private readonly kernel: Pick<KernelHost, 'call'>,
    private readonly log: Log,
  ) {
    super();
    this.register(
      window.registerWebviewPanelSerializer(TOKENS_VIEW_TYPE, {
        deserializeWebviewPanel: async (panel, state: unknown) => this.restore(panel, state),
      }),
    );
    this.register({ dispose: () => this.open.forEach((panel) => panel.dispose()) });
  }

  /** Shows the tokens of a configuration, beside what is being edited when the panel is new. */
  show(config: Uri): void {
    const existing = this.open.get(config.toString());
    if (existing) {
      existing.reveal();
      return;
    }
    const column = window.activeTextEditor ? ViewColumn.Beside : ViewColumn.Active;
    this.adopt(window.createWebviewPanel(TOKENS_VIEW_TYPE, '', column), config);
  }

  /** The page keeps its configuration in its state. */
  private restore(panel: WebviewPanel, state: unknown): void {
    const kept = typeof state === 'object' && state !== null && 'config' in state ? state.config : undefined;
    const config = typeof kept === 'string' ? Uri.parse(kept) : undefined;
    if (config && isConfigFile(config) && !this.open.has(config.toString())) {
      this.adopt(panel, config);
      return;
    }
    this.log.warn('a panel of tokens could not be restored: it names no configuration, or one that is open');
    panel.dispose();
  }

  private adopt(panel: WebviewPanel, config: Uri): void {
    const key = config.toString();
    panel.title = l10n.t('Tokens: {0}', workspace.asRelativePath(config).split('/').at(-1) ?? '');
    const tokens = new TokensPanel(config, panel, this.extensionUri, this.kernel, this.log);
    this.open.set(key, tokens);
    panel.onDidDispose(() => {
      this.open.delete(key);
      tokens.dispose();
    });
  }
}
