/** @file Panels of which there is one for each configuration; a reload of the window brings them back. */
import { Uri, window, type WebviewPanel } from 'vscode';
import { isConfigFile } from '../editors/configFiles';
import { Owner } from '../util/disposables';
import type { Log } from '../util/log';
import { pageColumn } from './pageColumn';

/** What shows one configuration. It follows its file, so it is never made anew while it is open. */
interface ConfigPanel {
  reveal(): void;
  dispose(): void;
}

export class ConfigPanels extends Owner {
  private readonly open = new Map<string, ConfigPanel>();

  constructor(
    private readonly viewType: string,
    private readonly make: (config: Uri, panel: WebviewPanel) => ConfigPanel,
    private readonly log: Log,
  ) {
    super();
    this.register(
      window.registerWebviewPanelSerializer(viewType, {
        deserializeWebviewPanel: async (panel, state: unknown) => this.restore(panel, state),
      }),
    );
    this.register({ dispose: () => this.open.forEach((panel) => panel.dispose()) });
  }

  /** Shows the panel of a configuration, beside what is being edited when it is new. */
  show(config: Uri): void {
    const existing = this.open.get(config.toString());
    if (existing) {
      existing.reveal();
      return;
    }
    this.adopt(window.createWebviewPanel(this.viewType, '', pageColumn()), config);
  }

  /** The page keeps its configuration in its state; without it there is nothing to show. */
  private restore(panel: WebviewPanel, state: unknown): void {
    const kept = typeof state === 'object' && state !== null && 'config' in state ? state.config : undefined;
    const config = typeof kept === 'string' ? Uri.parse(kept) : undefined;
    if (config && isConfigFile(config) && !this.open.has(config.toString())) {
      this.adopt(panel, config);
      return;
    }
    this.log.warn(`a panel of ${this.viewType} could not be restored: it names no configuration, or one that is open`);
    panel.dispose();
  }

  private adopt(panel: WebviewPanel, config: Uri): void {
    const key = config.toString();
    const shown = this.make(config, panel);
    this.open.set(key, shown);
    panel.onDidDispose(() => {
      this.open.delete(key);
      shown.dispose();
    });
  }
}
