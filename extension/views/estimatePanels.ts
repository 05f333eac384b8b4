/** @file The open estimates, one for each configuration; a reload of the window brings them back. */
import { Uri, ViewColumn, window, type WebviewPanel } from 'vscode';
import { isConfigFile } from '../editors/configFiles';
import { Owner } from '../util/disposables';
import { EstimatePanel, type EstimatePanelOptions } from './estimatePanel';

export const ESTIMATE_VIEW_TYPE = 'adapterStudio.estimate';

export class EstimatePanels extends Owner {
  private readonly open = new Map<string, EstimatePanel>();

  constructor(private readonly options: EstimatePanelOptions) {
    super();
    this.register(
      window.registerWebviewPanelSerializer(ESTIMATE_VIEW_TYPE, {
        deserializeWebviewPanel: async (panel, state: unknown) => this.restore(panel, state),
      }),
    );
    this.register({ dispose: () => this.open.forEach((panel) => panel.dispose()) });
  }

  /** Shows the estimate of a configuration, beside what is being edited when it is new. */
  show(config: Uri): void {
    const existing = this.open.get(config.toString());
    if (existing) {
      // It follows its file; making it anew would only lose what was measured.
      existing.reveal();
      return;
    }
    const column = window.activeTextEditor ? ViewColumn.Beside : ViewColumn.Active;
    this.adopt(window.createWebviewPanel(ESTIMATE_VIEW_TYPE, '', column), config);
  }

  /** The page keeps its configuration in its state; without it there is nothing to show. */
  private restore(panel: WebviewPanel, state: unknown): void {
    const kept = typeof state === 'object' && state !== null && 'config' in state ? state.config : undefined;
    const config = typeof kept === 'string' ? Uri.parse(kept) : undefined;
    if (config && isConfigFile(config) && !this.open.has(config.toString())) {
      this.adopt(panel, config);
      return;
    }
    this.options.log.warn('an estimate could not be restored: it names no configuration, or one that is open');
    panel.dispose();
  }

  private adopt(panel: WebviewPanel, config: Uri): void {
    const estimate = new EstimatePanel(config, panel, this.options);
    this.open.set(config.toString(), estimate);
    panel.onDidDispose(() => {
      this.open.delete(config.toString());
      estimate.dispose();
    });
  }
}
