/** @file The configurations of the workspace: which there are, and what makes a document one. */
import { EventEmitter, RelativePattern, workspace, type TextDocument, type Uri } from 'vscode';
import { Owner } from '../util/disposables';
import { debounce } from '../util/debounce';

export const CONFIG_SUFFIX = '.adapter.yaml';

/** For language features. The engine reads files by path, so other schemes than `file` have none. */
export const CONFIG_SELECTOR = { scheme: 'file', pattern: `**/*${CONFIG_SUFFIX}` } as const;

export function isConfigFile(uri: Uri): boolean {
  return uri.scheme === 'file' && uri.path.endsWith(CONFIG_SUFFIX);
}

export function isConfigDocument(document: TextDocument): boolean {
  return isConfigFile(document.uri);
}

/** Configurations that the workspace holds; more would not be a list to choose from. */
const MAX_FILES = 500;

export class ConfigFiles extends Owner {
  private readonly changed = this.register(new EventEmitter<void>());
  private search: Promise<readonly Uri[]> | undefined;

  readonly onDidChange = this.changed.event;

  constructor() {
    super();
    const again = this.register(debounce(200, () => void this.refresh()));
    const watcher = this.register(workspace.createFileSystemWatcher(`**/*${CONFIG_SUFFIX}`, false, true, false));
    this.register(watcher.onDidCreate(again));
    this.register(watcher.onDidDelete(again));
    this.register(workspace.onDidChangeWorkspaceFolders(again));
  }

  /** Sorted by path; searched for on first use. */
  async list(): Promise<readonly Uri[]> {
    return (this.search ??= this.find());
  }

  async refresh(): Promise<void> {
    this.search = this.find();
    await this.search;
    this.changed.fire();
  }

  private async find(): Promise<readonly Uri[]> {
    const folders = workspace.workspaceFolders ?? [];
    const lists = await Promise.all(
      folders.map((folder) =>
        workspace.findFiles(new RelativePattern(folder, `**/*${CONFIG_SUFFIX}`), '**/node_modules/**', MAX_FILES),
      ),
    );
    return lists
      .flat()
      .filter(isConfigFile)
      .sort((a, b) => (a.path < b.path ? -1 : 1));
  }
}
