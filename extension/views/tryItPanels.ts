/** @file The one panel that tries models; a reload of the window brings it back. */
import { window, type WebviewPanel } from 'vscode';
import type { TryItOffer } from '../../webview/protocol/tryIt';
import { Owner } from '../util/disposables';
import { pageColumn } from './pageColumn';
import { TryItPanel, type TryItParts } from './tryItPanel';

const TRY_IT_VIEW_TYPE = 'adapterStudio.tryIt';

export class TryItPanels extends Owner {
  private current: TryItPanel | undefined;

  constructor(private readonly parts: TryItParts) {
    super();
    this.register(
      window.registerWebviewPanelSerializer(TRY_IT_VIEW_TYPE, {
        deserializeWebviewPanel: async (panel) => void this.adopt(panel),
      }),
    );
    this.register({ dispose: () => this.current?.dispose() });
  }

  /** Shows the panel, with these models when some are given. */
  show(offer: TryItOffer | null): void {
    // Without it an answer that is being written would be lost when another tab is looked at; the page draws no plot and is small.
    const options = { retainContextWhenHidden: true };
    const panel = this.current ?? this.adopt(window.createWebviewPanel(TRY_IT_VIEW_TYPE, '', pageColumn(), options));
    panel.show(offer);
  }

  private adopt(panel: WebviewPanel): TryItPanel {
    this.current?.dispose();
    const tryIt = (this.current = new TryItPanel(panel, this.parts));
    panel.onDidDispose(() => {
      if (this.current === tryIt) this.current = undefined;
      tryIt.dispose();
    });
    return tryIt;
  }
}
