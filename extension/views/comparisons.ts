/** @file The open comparisons, one for each set of runs; a reload of the window brings them back. */
import { ViewColumn, window, type Uri, type WebviewPanel } from 'vscode';
import { MAX_COMPARED } from '../../webview/protocol/compare';
import { Owner } from '../util/disposables';
import type { Log } from '../util/log';
import { COMPARISON_VIEW_TYPE, ComparisonPanel } from './comparisonPanel';
import type { Dashboards } from './dashboards';

export class Comparisons extends Owner {
  private readonly open = new Map<string, ComparisonPanel>();

  constructor(
    private readonly extensionUri: Uri,
    private readonly dashboards: Dashboards,
    private readonly log: Log,
  ) {
    super();
    this.register(
      window.registerWebviewPanelSerializer(COMPARISON_VIEW_TYPE, {
        deserializeWebviewPanel: async (panel, state: unknown) => this.restore(panel, state),
      }),
    );
    this.register({ dispose: () => this.open.forEach((comparison) => comparison.dispose()) });
  }

  /** Shows two to four runs over each other. The order chooses their colours. */
  show(folders: readonly string[]): void {
    const existing = this.open.get(keyOf(folders));
    if (existing) {
      existing.reveal();
      return;
    }
    this.adopt(window.createWebviewPanel(COMPARISON_VIEW_TYPE, '', ViewColumn.Active), folders);
  }

  /** The page keeps the folders of its runs in its state; without them there is nothing to show. */
  private restore(panel: WebviewPanel, state: unknown): void {
    const folders = foldersIn(state);
    if (folders.length >= 2 && !this.open.has(keyOf(folders))) {
      this.adopt(panel, folders);
      return;
    }
    this.log.warn(`a comparison could not be restored: it names ${folders.length} runs`);
    panel.dispose();
  }

  private adopt(panel: WebviewPanel, folders: readonly string[]): void {
    const openRun = (folder: string) => this.dashboards.show(folder);
    const comparison = new ComparisonPanel(folders, panel, this.extensionUri, openRun, this.log);
    const key = keyOf(folders);
    this.open.set(key, comparison);
    panel.onDidDispose(() => {
      this.open.delete(key);
      comparison.dispose();
    });
  }
}

const keyOf = (folders: readonly string[]): string => [...folders].sort().join('\n');

function foldersIn(state: unknown): readonly string[] {
  const kept = typeof state === 'object' && state !== null && 'runs' in state ? state.runs : undefined;
  if (typeof kept !== 'string') return [];
  try {
    const folders: unknown = JSON.parse(kept);
    if (!Array.isArray(folders) || folders.length > MAX_COMPARED) return [];
    return folders.filter((folder) => typeof folder === 'string');
  } catch {
    return [];
  }
}
