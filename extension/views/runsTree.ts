/** @file The Runs view: every run the workspace knows, grouped by what it is doing, newest first. */
import { EventEmitter, l10n, ThemeColor, ThemeIcon, TreeItem, TreeItemCollapsibleState, type Memento } from 'vscode';
import type { TreeDataProvider } from 'vscode';
import type { RunStatus } from '../../kernels/protocol/types';
import { Owner } from '../util/disposables';
import type { RunLibrary } from '../runs/runLibrary';
import { capabilities, type RunSummary } from '../runs/runSummary';
import { groupLabel, groupOf, matches, RUN_GROUPS, type RunGroup } from './runGroups';
import { hasNoGain, rowDescription, runAccessibleLabel } from './runLabels';
import { runTooltip } from './runTooltip';

const icons: Record<RunStatus, ThemeIcon> = {
  queued: new ThemeIcon('watch'),
  starting: new ThemeIcon('loading~spin'),
  running: new ThemeIcon('sync~spin', new ThemeColor('charts.blue')),
  stopping: new ThemeIcon('loading~spin'),
  stopped: new ThemeIcon('debug-pause', new ThemeColor('charts.yellow')),
  finished: new ThemeIcon('pass', new ThemeColor('testing.iconPassed')),
  failed: new ThemeIcon('error', new ThemeColor('testing.iconFailed')),
};

/** A run whose method is not active, or that gained nothing, shows this first, whatever it is doing; a failed one has its own mark. */
function iconOf(run: RunSummary): ThemeIcon {
  const { state, redFigures } = run;
  const isDoubtful = redFigures.length > 0 || hasNoGain(run);
  return isDoubtful && state.status !== 'failed' ? doubtful : icons[state.status];
}
const doubtful = new ThemeIcon('warning', new ThemeColor('testing.iconFailed'));

/**
 * Opens the dashboard of the selected row. Without arguments on purpose: the editor keeps the arguments of a row's command only until
 * the row is drawn again, which a live run's is every second, and a click at that moment would go nowhere.
 */
export const OPEN_SELECTED_RUN = 'adapterStudio.openSelectedRun';

const COLLAPSED = 'runs.collapsedGroups';

/** A row of a run; commands get it as their argument. The same run has the same row as long as the view lives. */
export interface RunRow {
  readonly folder: string;
}
export interface GroupRow {
  readonly group: RunGroup;
}
export type RunsRow = RunRow | GroupRow;

export class RunsTree extends Owner implements TreeDataProvider<RunsRow> {
  private readonly changed = this.register(new EventEmitter<RunsRow | undefined>());
  private readonly rows = new Map<string, RunRow>();
  private readonly groups = new Map(RUN_GROUPS.map((group) => [group, { group }]));
  /** What each row shows now, in their order. */
  private shown = new Map<string, string>();
  /** Which rows there are, and in which group. */
  private structure = '';
  private text = '';

  readonly onDidChangeTreeData = this.changed.event;

  constructor(
    private readonly library: RunLibrary,
    private readonly memory: Memento,
  ) {
    super();
    this.register(library.onDidChange(() => this.refresh()));
  }

  /** The text that runs must match; empty for all. */
  get filter(): string {
    return this.text;
  }

  set filter(text: string) {
    this.text = text;
    this.changed.fire(undefined);
  }

  /** The runs that the filter lets through, newest first. */
  get visibleRuns(): readonly RunSummary[] {
    return this.library.runs.filter((run) => matches(run, this.text));
  }

  async getChildren(row?: RunsRow): Promise<RunsRow[]> {
    if (row && 'folder' in row) return [];
    if (row) return this.runsOf(row.group).map(({ folder }) => this.rowOf(folder));
    // Until the first search is over there is nothing to say, not even that there are no runs.
    if (!this.library.isSearched) await this.library.refresh();
    return RUN_GROUPS.filter((group) => this.runsOf(group).length > 0).map((group) => this.groups.get(group)!);
  }

  /** Lets the view find a run's group, for a selection that is made by a program. */
  getParent(row: RunsRow): RunsRow | undefined {
    const run = 'folder' in row ? this.library.get(row.folder) : undefined;
    return run && this.groups.get(groupOf(run.state.status));
  }

  getTreeItem(row: RunsRow): TreeItem {
    if ('group' in row) return this.groupItem(row.group);
    const run = this.library.get(row.folder);
    // Deleted since the view asked for its rows; the next refresh is under way.
    if (!run) return new TreeItem(row.folder, TreeItemCollapsibleState.None);
    const item = new TreeItem(run.info.name, TreeItemCollapsibleState.None);
    item.id = run.folder;
    item.description = rowDescription(run, this.library.placeOf(run));
    item.iconPath = iconOf(run);
    item.tooltip = runTooltip(run);
    // Menus look for the words: `run;stop;merge`.
    const can = Object.entries(capabilities(run)).filter(([, is]) => is);
    item.contextValue = ['run', ...can.map(([name]) => name)].join(';');
    item.command = { command: OPEN_SELECTED_RUN, title: l10n.t('Open Dashboard') };
    item.accessibilityInformation = { label: runAccessibleLabel(run) };
    return item;
  }

  /** Remembers what the person closed, for later windows too. */
  setCollapsed(row: RunsRow, isCollapsed: boolean): void {
    if (!('group' in row)) return;
    const others = this.collapsed().filter((group) => group !== row.group);
    void this.memory.update(COLLAPSED, isCollapsed ? [...others, row.group] : others);
  }

  private groupItem(group: RunGroup): TreeItem {
    const isCollapsed = this.collapsed().includes(group);
    const item = new TreeItem(
      groupLabel(group),
      isCollapsed ? TreeItemCollapsibleState.Collapsed : TreeItemCollapsibleState.Expanded,
    );
    const count = this.runsOf(group).length;
    item.id = `group:${group}`;
    item.description = String(count);
    item.contextValue = 'group';
    item.accessibilityInformation = { label: l10n.t('{0}, {1} runs', groupLabel(group), count) };
    return item;
  }

  private runsOf(group: RunGroup): readonly RunSummary[] {
    const runs = this.visibleRuns.filter((run) => groupOf(run.state.status) === group);
    // The queue is read from its head; everything else newest first.
    return group === 'queued' ? [...runs].reverse() : runs;
  }

  private collapsed(): readonly string[] {
    return this.memory.get<readonly string[]>(COLLAPSED, []);
  }

  /** A run at work changes every second: only its row is drawn again, unless there are other rows than before. */
  private refresh(): void {
    const before = this.shown;
    const now = this.library.runs.map((run) => [run.folder, JSON.stringify(run)] as const);
    this.shown = new Map(now);
    const structure = this.library.runs.map(({ folder, state }) => `${groupOf(state.status)} ${folder}`).join('\n');
    if (structure !== this.structure) {
      this.structure = structure;
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
