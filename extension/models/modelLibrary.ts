/** @file Checkpoints and adapters on this machine: of the workspace, of its runs and of the Hugging Face cache. */
import { isAbsolute, resolve } from 'node:path';
import { EventEmitter, workspace, type Uri } from 'vscode';
import type { ModelEntry } from '../../kernels/protocol/types';
import type { KernelHost } from '../kernel/kernelHost';
import type { RunLibrary } from '../runs/runLibrary';
import { modelFolders } from '../settings';
import { debounce } from '../util/debounce';
import { Owner } from '../util/disposables';

export class ModelLibrary extends Owner {
  private readonly changed = this.register(new EventEmitter<void>());
  private readonly listed = this.register(new EventEmitter<readonly ModelEntry[]>());
  private listing: Promise<readonly ModelEntry[]> | undefined;

  /** The list is out of date; ask again. */
  readonly onDidChange = this.changed.event;
  /** The engine has answered. */
  readonly onDidList = this.listed.event;

  constructor(
    private readonly kernel: Pick<KernelHost, 'call'>,
    runs: Pick<RunLibrary, 'isSearched' | 'runs' | 'onDidChange'>,
  ) {
    super();
    const again = this.register(debounce(1_000, () => this.refresh()));
    const watcher = this.register(
      workspace.createFileSystemWatcher('**/{config.json,adapter_config.json}', false, true, false),
    );
    // A run at work makes and removes checkpoints all the time; its adapter counts when it is there.
    const look = (uri: Uri) => /[\\/]checkpoints[\\/]/.test(uri.path) || again();
    this.register(watcher.onDidCreate(look));
    this.register(watcher.onDidDelete(look));
    // A run moves its adapter into place as a whole folder, and of what is in a folder that was moved nothing is reported.
    let known: number | undefined;
    this.register(
      runs.onDidChange(() => {
        const finished = runs.runs.filter(({ state }) => state.status === 'finished').length;
        if (known !== undefined && known !== finished) again();
        if (runs.isSearched) known = finished;
      }),
    );
    this.register(workspace.onDidChangeWorkspaceFolders(again));
    this.register(workspace.onDidChangeConfiguration((e) => e.affectsConfiguration('adapterStudio') && again()));
  }

  /** Asked of the engine once and kept until something changes. Rejects when the engine cannot be had; the next call asks again. */
  list(): Promise<readonly ModelEntry[]> {
    return (this.listing ??= this.ask().catch((error: unknown) => {
      this.listing = undefined;
      throw error;
    }));
  }

  /** Forgets the list. */
  refresh(): void {
    this.listing = undefined;
    this.changed.fire();
  }

  private async ask(): Promise<readonly ModelEntry[]> {
    const folders = (workspace.workspaceFolders ?? []).filter((f) => f.uri.scheme === 'file').map((f) => f.uri.fsPath);
    const set = modelFolders().flatMap((path) => (isAbsolute(path) ? [path] : folders.map((f) => resolve(f, path))));
    const { models } = await this.kernel.call('models/list', { folders: [...new Set([...folders, ...set])] });
    this.listed.fire(models);
    return models;
  }
}
