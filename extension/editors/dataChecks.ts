/**
 * @file What the engine says about the data files of configurations: of those that are open, and of those that name a data file
 * that is open. Read again when a configuration or one of its data files changes; unchanged files are not read twice.
 */
import { dirname, resolve } from 'node:path';
import { EventEmitter, Uri, workspace, type TextDocument } from 'vscode';
import type { DataFileFacts, DataReport } from '../../kernels/protocol/calls/data';
import type { KernelHost } from '../kernel/kernelHost';
import { debounce } from '../util/debounce';
import { Owner } from '../util/disposables';
import { isCancelled } from '../util/failures';
import type { Log } from '../util/log';
import type { ConfigChecks } from './configChecks';
import type { ConfigFiles } from './configFiles';
import { configValues } from './configText';

export interface UsedData extends DataFileFacts {
  /** The configuration that names it. */
  readonly config: Uri;
}

const DATA_FILE = /\.(jsonl|json|parquet)$/i;

export class DataChecks extends Owner {
  private readonly checked = this.register(new EventEmitter<Uri>());
  private readonly reports = new Map<string, { readonly config: Uri; readonly report: DataReport }>();
  /** What is being read, with all of the configuration that decides on what is read. */
  private readonly pending = new Map<string, { readonly abort: AbortController; readonly settings: string }>();
  private readonly again = this.register(debounce(1_000, () => this.recheck()));

  /** The data of this configuration was read, or is no longer of interest. */
  readonly onDidCheck = this.checked.event;

  constructor(
    private readonly kernel: Pick<KernelHost, 'call'>,
    private readonly files: Pick<ConfigFiles, 'list'>,
    private readonly checks: Pick<ConfigChecks, 'get' | 'onDidCheck' | 'onDidForget'>,
    private readonly log: Log,
  ) {
    super();
    this.register(checks.onDidCheck((uri) => void this.check(uri)));
    this.register(checks.onDidForget((uri) => void this.onForgotten(uri)));
    this.register(workspace.onDidOpenTextDocument((document) => void this.onOpened(document)));
    this.register(workspace.onDidSaveTextDocument(({ uri }) => this.onChanged(uri)));
    // Other programs write data as well. Of .json files only what the editor saves is seen: there are too many of them.
    const watcher = this.register(workspace.createFileSystemWatcher('**/*.{jsonl,parquet}'));
    const onChange = (uri: Uri) => this.onChanged(uri);
    this.register(watcher.onDidChange(onChange));
    this.register(watcher.onDidDelete(onChange));
    this.register({ dispose: () => this.pending.forEach(({ abort }) => abort.abort()) });
    for (const document of workspace.textDocuments) void this.onOpened(document);
  }

  /** What is known of a data file, once for each configuration that names it. */
  uses(file: Uri): readonly UsedData[] {
    return [...this.reports.values()].flatMap(({ config, report }) =>
      report.files.filter(({ path }) => path === file.fsPath).map((facts) => ({ ...facts, config })),
    );
  }

  report(config: Uri): DataReport | undefined {
    return this.reports.get(config.toString())?.report;
  }

  private onChanged(uri: Uri): void {
    if (this.uses(uri).length > 0) this.again();
  }

  private recheck(): void {
    for (const { config } of this.reports.values()) void this.check(config, true);
  }

  /** A data file was opened: the configurations of the workspace that name it are looked at. */
  private async onOpened({ uri }: TextDocument): Promise<void> {
    if (uri.scheme !== 'file' || !DATA_FILE.test(uri.path) || this.uses(uri).length > 0) return;
    for (const config of await this.files.list()) {
      if ((await dataFilesOf(config)).includes(uri.fsPath)) await this.check(config);
    }
  }

  /** A configuration that was closed still speaks for data that is open. */
  private async onForgotten(config: Uri): Promise<void> {
    const named = await dataFilesOf(config);
    if (workspace.textDocuments.some(({ uri }) => uri.scheme === 'file' && named.includes(uri.fsPath))) return;
    this.pending.get(config.toString())?.abort.abort();
    if (this.reports.delete(config.toString())) this.checked.fire(config);
  }

  private async check(config: Uri, isNew = false): Promise<void> {
    const key = config.toString();
    const text = workspace.textDocuments.find(({ uri }) => uri.toString() === key)?.getText();
    const settings = `${hasErrors(this.checks, config)} ${dataSettings(text)}`;
    const running = this.pending.get(key);
    // Whoever types elsewhere in the configuration does not make the reading begin again.
    if (running && !isNew && running.settings === settings) return;
    running?.abort.abort();
    const abort = new AbortController();
    this.pending.set(key, { abort, settings });
    try {
      const request = { config: config.fsPath, ...(text !== undefined && { text }) };
      const report = await this.kernel.call('data/check', request, { signal: abort.signal });
      if (abort.signal.aborted) return;
      // While the configuration has errors nothing new is known: what was said of its files stays.
      if (report.files.length === 0) return;
      this.reports.set(key, { config, report });
      this.checked.fire(config);
    } catch (error) {
      if (!isCancelled(error))
        this.log.warn(`data of ${config.fsPath}: ${error instanceof Error ? error.message : String(error)}`);
    } finally {
      if (this.pending.get(key)?.abort === abort) this.pending.delete(key);
    }
  }
}

/** What of a configuration decides on how its data is read; nothing while the text cannot be read. */
function dataSettings(text: string | undefined): string {
  const values = text === undefined ? null : configValues(text);
  return JSON.stringify([values?.['model'], values?.['data']]);
}

function hasErrors(checks: Pick<ConfigChecks, 'get'>, config: Uri): boolean {
  return checks.get(config)?.problems.some(({ severity }) => severity === 'error') ?? false;
}

/** Absolute paths of the data files that a configuration on disk or in an editor names. */
async function dataFilesOf(config: Uri): Promise<string[]> {
  const open = workspace.textDocuments.find(({ uri }) => uri.toString() === config.toString());
  try {
    const text = open?.getText() ?? new TextDecoder().decode(await workspace.fs.readFile(config));
    const data = configValues(text)?.['data'];
    if (typeof data !== 'object' || data === null) return [];
    const { train, eval: evaluation } = data as { readonly train?: unknown; readonly eval?: unknown };
    const named = [train, evaluation].flat().filter((path): path is string => typeof path === 'string');
    return named.map((path) => Uri.file(resolve(dirname(config.fsPath), path)).fsPath);
  } catch {
    return []; // deleted meanwhile
  }
}
