/** @file All runs that the workspace knows: found on disk, kept up to date while any of them is at work. */
import { realpath } from 'node:fs/promises';
import { dirname, isAbsolute, resolve } from 'node:path';
import { EventEmitter, RelativePattern, Uri, workspace, type Memento } from 'vscode';
import type { ConfigFiles } from '../editors/configFiles';
import { configValues } from '../editors/configText';
import { runFolders } from '../settings';
import { throttle } from '../util/debounce';
import { DisposableStore, Owner } from '../util/disposables';
import type { Log } from '../util/log';
import { findRuns } from './findRuns';
import { isLive } from './liveness';
import { readRunSummary, type RunSummary } from './runSummary';

const REMEMBERED = 'runs.outsideWorkspace';
const LIVE_POLL_MS = 1_000;
/** Between searches that files ask for; one walks through all folders. */
const SEARCH_MS = 1_000;

export class RunLibrary extends Owner {
  private readonly changed = this.register(new EventEmitter<void>());
  private readonly watchers = this.register(new DisposableStore());
  private summaries = new Map<string, RunSummary>();
  private readonly complaints = new Set<string>();
  /** What came while a search was under way may have been missed by it. A run at work writes more often than that. */
  private readonly search = this.register(
    throttle(SEARCH_MS, () => void Promise.resolve(this.scanning).then(() => this.refresh())),
  );
  private scanning: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private isReady = false;

  readonly onDidChange = this.changed.event;

  constructor(
    private readonly configs: ConfigFiles,
    private readonly memory: Memento,
    private readonly log: Log,
  ) {
    super();
    this.watch();
    this.register(
      workspace.onDidChangeWorkspaceFolders(() => {
        this.watch();
        this.search();
      }),
    );
    this.register(configs.onDidChange(this.search));
    this.register({ dispose: () => clearTimeout(this.timer) });
  }

  /** The first search is over. */
  get isSearched(): boolean {
    return this.isReady;
  }

  /** Newest first. */
  get runs(): readonly RunSummary[] {
    return [...this.summaries.values()].sort((a, b) => b.info.created - a.info.created);
  }

  get liveRuns(): readonly RunSummary[] {
    return this.runs.filter((run) => isLive(run.state));
  }

  get(folder: string): RunSummary | undefined {
    return this.summaries.get(folder);
  }

  /** The live run that was started from a configuration. */
  liveRunOf(config: Uri): RunSummary | undefined {
    return this.liveRuns.find((run) => run.info.config_file === config.fsPath);
  }

  /** Runs that use the machine now, other than those that wait in its queue. */
  get runsAtWork(): readonly RunSummary[] {
    return this.liveRuns.filter((run) => run.state.status !== 'queued');
  }

  /** Place of a queued run among those of its machine that we know, from 1; undefined for any other. */
  placeOf(run: RunSummary): number | undefined {
    if (run.state.status !== 'queued') return undefined;
    const queue = this.liveRuns.filter(({ state }) => state.status === 'queued' && state.host === run.state.host);
    return queue.filter((other) => other.info.created <= run.info.created).length;
  }

  /** Adds a run wherever it is; it is found again in later windows of this workspace. */
  async add(folder: string): Promise<void> {
    const remembered = this.remembered();
    if (!remembered.includes(folder) && !workspace.getWorkspaceFolder(Uri.file(folder))) {
      await this.memory.update(REMEMBERED, [...remembered, folder]);
    }
    await this.update(folder);
    this.announce();
  }

  /** Searches all places anew. Calls while a search is under way share it. */
  refresh(): Promise<void> {
    return (this.scanning ??= this.scan().finally(() => (this.scanning = undefined)));
  }

  private async scan(): Promise<void> {
    const roots = await this.roots();
    const found = new Set((await Promise.all(roots.map(findRuns))).flat());
    const read = await Promise.all([...found].map((folder) => this.read(folder)));
    // At once: a tree that asks in between must not see half of them.
    this.summaries = new Map(read.filter((run) => run !== undefined).map((run) => [run.folder, run]));
    this.isReady = true;
    this.announce();
  }

  private async update(folder: string): Promise<void> {
    const run = await this.read(folder);
    if (run) this.summaries.set(folder, run);
    else this.summaries.delete(folder);
  }

  /** Undefined when the folder is no run now; one that cannot be read now is what it was. */
  private async read(folder: string): Promise<RunSummary | undefined> {
    try {
      return (await readRunSummary(folder)) ?? undefined;
    } catch (error) {
      const message = `${folder}: ${error instanceof Error ? error.message : String(error)}`;
      if (!this.complaints.has(message)) this.log.warn(message);
      this.complaints.add(message);
      return this.summaries.get(folder);
    }
  }

  /** Tells the others, and looks again soon while a run is at work. */
  private announce(): void {
    clearTimeout(this.timer);
    if (this.liveRuns.length > 0) this.timer = setTimeout(() => void this.updateLive(), LIVE_POLL_MS);
    this.changed.fire();
  }

  private async updateLive(): Promise<void> {
    await Promise.all(this.liveRuns.map((run) => this.update(run.folder)));
    this.announce();
  }

  private watch(): void {
    this.watchers.clear();
    for (const folder of workspace.workspaceFolders ?? []) {
      if (folder.uri.scheme !== 'file') continue;
      const watcher = this.watchers.add(
        workspace.createFileSystemWatcher(new RelativePattern(folder, '**/{run,state}.json')),
      );
      this.watchers.add(watcher.onDidCreate(this.search));
      this.watchers.add(watcher.onDidDelete(this.search));
      // A run that rests is resumed by someone else: from then on the clock follows it.
      this.watchers.add(watcher.onDidChange((uri) => void this.onFileChange(dirname(uri.fsPath))));
    }
  }

  private async onFileChange(folder: string): Promise<void> {
    const run = this.summaries.get(folder);
    if (!run || isLive(run.state)) return;
    await this.update(folder);
    this.announce();
  }

  /** Workspace folders, the outputs that configurations name, the setting, and runs started from here. */
  private async roots(): Promise<string[]> {
    const folders = (workspace.workspaceFolders ?? []).filter((f) => f.uri.scheme === 'file').map((f) => f.uri.fsPath);
    const set = runFolders().flatMap((path) => (isAbsolute(path) ? [path] : folders.map((f) => resolve(f, path))));
    const outputs = await Promise.all((await this.configs.list()).map(outputOf));
    const all = [...folders, ...set, ...outputs.flat(), ...this.remembered()];
    // A folder may be named in two ways; it is searched, and its runs are shown, under the first.
    const byPlace = new Map<string, string>();
    for (const path of all) {
      const place = await realpath(path).catch(() => undefined);
      if (place !== undefined && !byPlace.has(place)) byPlace.set(place, path);
    }
    return [...byPlace.values()];
  }

  private remembered(): readonly string[] {
    return this.memory.get<readonly string[]>(REMEMBERED, []);
  }
}

/** Where a configuration has its run folders made. A file that cannot be read now names none. */
async function outputOf(config: Uri): Promise<string[]> {
  try {
    const text = new TextDecoder().decode(await workspace.fs.readFile(config));
    const output = configValues(text)?.['output'] ?? 'runs';
    return typeof output === 'string' ? [resolve(dirname(config.fsPath), output)] : [];
  } catch {
    return [];
  }
}
