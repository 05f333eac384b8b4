/** @file The open dashboards, one for each run; a reload of the window brings them back. */
import { window, type Uri, type WebviewPanel } from 'vscode';
import type { RunLibrary } from '../runs/runLibrary';
import { Owner } from '../util/disposables';
import type { Log } from '../util/log';
import { DASHBOARD_VIEW_TYPE, DashboardPanel } from './dashboardPanel';
import { pageColumn } from './pageColumn';

export class Dashboards extends Owner {
  private readonly open = new Map<string, DashboardPanel>();

  constructor(
    private readonly extensionUri: Uri,
    private readonly runs: RunLibrary,
    private readonly log: Log,
  ) {
    super();
    this.register(
      window.registerWebviewPanelSerializer(DASHBOARD_VIEW_TYPE, {
        deserializeWebviewPanel: async (panel, state: unknown) => this.restore(panel, state),
      }),
    );
    this.register({ dispose: () => this.open.forEach((dashboard) => dashboard.dispose()) });
  }

  /** Shows the dashboard of a run folder, beside what is being edited when it is new. */
  show(folder: string, preserveFocus = false): void {
    const existing = this.open.get(folder);
    if (existing) {
      existing.reveal(preserveFocus);
      return;
    }
    const viewColumn = pageColumn();
    this.adopt(window.createWebviewPanel(DASHBOARD_VIEW_TYPE, '', { viewColumn, preserveFocus }), folder);
  }

  /** Closes the dashboard of a run whose folder goes. */
  close(folder: string): void {
    this.open.get(folder)?.close();
  }

  /** The page keeps the folder of its run in its state; without it there is nothing to show. */
  private restore(panel: WebviewPanel, state: unknown): void {
    const folder = typeof state === 'object' && state !== null && 'run' in state ? state.run : undefined;
    if (typeof folder === 'string' && !this.open.has(folder)) {
      this.adopt(panel, folder);
      return;
    }
    this.log.warn(
      `a dashboard could not be restored: it names ${folder === undefined ? 'no run' : 'a run that is open'}`,
    );
    panel.dispose();
  }

  private adopt(panel: WebviewPanel, folder: string): void {
    const dashboard = new DashboardPanel(folder, panel, this.extensionUri, this.runs, this.log);
    this.open.set(folder, dashboard);
    panel.onDidDispose(() => {
      this.open.delete(folder);
      dashboard.dispose();
    });
  }
}
