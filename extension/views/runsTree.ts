/** @file The Runs view: every run the workspace knows, newest first, with what it is doing. */
import { EventEmitter, l10n, MarkdownString, ThemeColor, ThemeIcon, TreeItem, TreeItemCollapsibleState } from 'vscode';
import type { TreeDataProvider } from 'vscode';
import type { RunStatus } from '../../kernels/protocol/types';
import { Owner } from '../util/disposables';
import { formatNumber } from '../util/format';
import type { RunLibrary } from '../runs/runLibrary';
import { capabilities, type RunSummary } from '../runs/runSummary';
import { createdLabel, runAccessibleLabel, runDescription, statusLabel } from './runLabels';

const icons: Record<RunStatus, ThemeIcon> = {
  queued: new ThemeIcon('watch'),
  starting: new ThemeIcon('loading~spin'),
  running: new ThemeIcon('sync~spin', new ThemeColor('charts.blue')),
  stopping: new ThemeIcon('loading~spin'),
  stopped: new ThemeIcon('debug-pause', new ThemeColor('charts.yellow')),
  finished: new ThemeIcon('pass', new ThemeColor('testing.iconPassed')),
  failed: new ThemeIcon('error', new ThemeColor('testing.iconFailed')),
};

/** A row; commands get it as their argument. The same run has the same row as long as the view lives. */
export interface RunRow {
  readonly folder: string;
}

export class RunsTree extends Owner implements TreeDataProvider<RunRow> {
  private readonly changed = this.register(new EventEmitter<RunRow | undefined>());
  private readonly rows = new Map<string, RunRow>();
  /** What each row shows now, in their order. */
  private shown = new Map<string, string>();

  readonly onDidChangeTreeData = this.changed.event;

  constructor(private readonly library: RunLibrary) {
    super();
    this.register(library.onDidChange(() => this.refresh()));
  }

  async getChildren(row?: RunRow): Promise<RunRow[]> {
    if (row) return [];
    // Until the first search is over there is nothing to say, not even that there are no runs.
    if (!this.library.isSearched) await this.library.refresh();
    return this.library.runs.map(({ folder }) => this.rowOf(folder));
  }

  getTreeItem(row: RunRow): TreeItem {
    const run = this.library.get(row.folder);
    // Deleted since the view asked for its rows; the next refresh is under way.
    if (!run) return new TreeItem(row.folder, TreeItemCollapsibleState.None);
    const item = new TreeItem(run.info.name, TreeItemCollapsibleState.None);
    item.id = run.folder;
    item.description = runDescription(run);
    item.iconPath = icons[run.state.status];
    item.tooltip = tooltip(run);
    // Menus look for the words: `run;stop;merge`.
    const can = Object.entries(capabilities(run)).filter(([, is]) => is);
    item.contextValue = ['run', ...can.map(([name]) => name)].join(';');
    item.command = {
      command: 'adapterStudio.openDashboard',
      title: l10n.t('Open Dashboard'),
      arguments: [row],
    };
    item.accessibilityInformation = { label: runAccessibleLabel(run) };
    return item;
  }

  /** A run at work changes every second: only its row is drawn again, unless there are other rows than before. */
  private refresh(): void {
    const before = this.shown;
    const now = this.library.runs.map((run) => [run.folder, JSON.stringify(run)] as const);
    this.shown = new Map(now);
    if ([...before.keys()].join('\n') !== [...this.shown.keys()].join('\n')) {
      this.changed.fire(undefined);
      return;
    }
    for (const [folder, text] of now) if (before.get(folder) !== text) this.changed.fire(this.rowOf(folder));
  }

  private rowOf(folder: string): RunRow {
    let row = this.rows.get(folder);
    if (!row) this.rows.set(folder, (row = { folder }));
    return row;
  }
}

function tooltip(run: RunSummary): MarkdownString {
  const { state, info } = run;
  const lines = [
    `**${escape(info.name)}**: ${statusLabel(state.status)}`,
    state.error === undefined ? '' : `$(error) ${escape(state.error)}`,
    l10n.t('Started {0}', createdLabel(run)),
    state.best === undefined
      ? ''
      : l10n.t('Best evaluation loss {0} at step {1}', formatNumber(state.best.loss), state.best.step),
    escape(run.folder),
  ];
  return new MarkdownString(lines.filter((line) => line !== '').join('\n\n'), true);
}

/** Names come from files; they are text, not markup. */
function escape(text: string): string {
  return text.replace(/[\\`*_{}[\]()#+!|<>$~-]/g, '\\$&');
}
