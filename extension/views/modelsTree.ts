/** @file The Models & Adapters view: checkpoints and adapters, each where it was found. */
import { EventEmitter, l10n, ThemeColor, ThemeIcon, TreeItem, TreeItemCollapsibleState } from 'vscode';
import type { TreeDataProvider } from 'vscode';
import type { ModelEntry } from '../../kernels/protocol/types';
import { Owner } from '../util/disposables';
import { formatBytes } from '../util/format';
import type { ModelLibrary } from '../models/modelLibrary';

interface Group {
  readonly kind: 'group';
  readonly title: string;
  readonly entries: readonly ModelEntry[];
}
interface Trouble {
  readonly kind: 'trouble';
  readonly message: string;
}

/** A row of the view; commands get an entry as their argument. */
export type ModelRow = Group | Trouble | ModelEntry;

export class ModelsTree extends Owner implements TreeDataProvider<ModelRow> {
  private readonly changed = this.register(new EventEmitter<void>());
  readonly onDidChangeTreeData = this.changed.event;

  constructor(private readonly library: ModelLibrary) {
    super();
    this.register(library.onDidChange(() => this.changed.fire()));
  }

  async getChildren(row?: ModelRow): Promise<ModelRow[]> {
    if (row) return row.kind === 'group' ? [...row.entries] : [];
    let models: readonly ModelEntry[];
    try {
      models = await this.library.list();
    } catch (error) {
      return [{ kind: 'trouble', message: error instanceof Error ? error.message : String(error) }];
    }
    const group = (title: string, kind: ModelEntry['kind']): Group => ({
      kind: 'group',
      title,
      entries: models.filter((entry) => entry.kind === kind),
    });
    return [group(l10n.t('Checkpoints'), 'checkpoint'), group(l10n.t('Adapters'), 'adapter')].filter(
      ({ entries }) => entries.length > 0,
    );
  }

  getTreeItem(row: ModelRow): TreeItem {
    if (row.kind === 'group') {
      const item = new TreeItem(row.title, TreeItemCollapsibleState.Expanded);
      item.description = String(row.entries.length);
      return item;
    }
    if (row.kind === 'trouble') {
      const item = new TreeItem(row.message, TreeItemCollapsibleState.None);
      item.iconPath = new ThemeIcon('warning', new ThemeColor('list.warningForeground'));
      item.tooltip = row.message;
      item.command = { command: 'adapterStudio.showLog', title: l10n.t('Show Log') };
      return item;
    }
    return entryItem(row);
  }
}

function entryItem(entry: ModelEntry): TreeItem {
  const item = new TreeItem(entry.name, TreeItemCollapsibleState.None);
  item.id = `${entry.kind}:${entry.path}`;
  const parts = [entry.type, formatBytes(entry.sizeBytes), sourceLabel(entry.source)];
  item.description = parts.join(' · ');
  item.tooltip = entry.problem === undefined ? entry.path : `${entry.path}\n\n${entry.problem}`;
  item.iconPath =
    entry.problem === undefined
      ? new ThemeIcon(entry.kind === 'checkpoint' ? 'package' : 'layers')
      : new ThemeIcon('warning', new ThemeColor('list.warningForeground'));
  // Menus look for the words: `adapter;usable`.
  item.contextValue = entry.problem === undefined ? `${entry.kind};usable` : entry.kind;
  const trouble = entry.problem === undefined ? '' : `, ${entry.problem}`;
  item.accessibilityInformation = { label: `${entry.name}, ${parts.join(', ')}${trouble}` };
  return item;
}

function sourceLabel(source: ModelEntry['source']): string {
  const labels: Record<ModelEntry['source'], string> = {
    workspace: l10n.t('workspace'),
    'hub-cache': l10n.t('Hugging Face cache'),
    run: l10n.t('run'),
  };
  return labels[source];
}
