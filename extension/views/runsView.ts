/** @file The Runs view with its filter: what is typed is shown over the rows and in the view's head, and can be cleared there. */
import { commands, l10n, window, type Memento, type TreeView } from 'vscode';
import type { RunLibrary } from '../runs/runLibrary';
import { Owner } from '../util/disposables';
import { OPEN_SELECTED_RUN, RunsTree, type RunRow, type RunsRow } from './runsTree';

/** Set while a filter is on. */
const FILTER_KEY = 'hasRunFilter';

export class RunsView extends Owner {
  private readonly tree: RunsTree;
  private readonly view: TreeView<RunsRow>;

  constructor(
    private readonly library: RunLibrary,
    memory: Memento,
  ) {
    super();
    this.tree = this.register(new RunsTree(library, memory));
    this.view = this.register(
      window.createTreeView('adapterStudio.runs', {
        treeDataProvider: this.tree,
        canSelectMany: true,
        showCollapseAll: true,
      }),
    );
    this.register(this.view.onDidCollapseElement(({ element }) => this.tree.setCollapsed(element, true)));
    this.register(this.view.onDidExpandElement(({ element }) => this.tree.setCollapsed(element, false)));
    this.register(library.onDidChange(() => this.describe()));
    this.register(commands.registerCommand(OPEN_SELECTED_RUN, () => this.openSelected()));
  }

  /** The runs that are selected. */
  get selection(): readonly RunRow[] {
    return this.view.selection.filter((row): row is RunRow => 'folder' in row);
  }

  /** Asks for the text; what is typed filters at once, and Escape brings back what was before. */
  async askFilter(): Promise<void> {
    const before = this.tree.filter;
    const input = window.createInputBox();
    input.title = l10n.t('Filter Runs');
    input.placeholder = l10n.t('Words of the name, method, base model, status or folder');
    input.value = before;
    input.onDidChangeValue((text) => this.setFilter(text));
    const isAccepted = await new Promise<boolean>((resolve) => {
      input.onDidAccept(() => resolve(true));
      input.onDidHide(() => resolve(false));
      input.show();
    });
    if (!isAccepted) this.setFilter(before);
    input.dispose();
  }

  setFilter(text: string): void {
    this.tree.filter = text.trim();
    void commands.executeCommand('setContext', `adapterStudio.${FILTER_KEY}`, this.tree.filter !== '');
    this.describe();
  }

  private async openSelected(): Promise<void> {
    const [row, ...others] = this.selection;
    // The row keeps the focus: the keys of the view, Delete above all, go on working on it.
    if (row && others.length === 0) await commands.executeCommand('adapterStudio.openDashboard', row, true);
  }

  private describe(): void {
    const { filter, visibleRuns } = this.tree;
    const description = filter === '' ? '' : l10n.t('filter: {0}', filter);
    const message =
      filter === '' ? '' : l10n.t('{0} of {1} runs match “{2}”.', visibleRuns.length, this.library.runs.length, filter);
    if (this.view.description !== description) this.view.description = description;
    if (this.view.message !== message) this.view.message = message;
  }
}
