/** @file What the engine says about each open configuration: checked while it is written, on the text that is not saved yet. */
import { EventEmitter, workspace, type TextDocument, type Uri } from 'vscode';
import type { CheckedConfig } from '../../kernels/protocol/calls/config';
import type { KernelHost } from '../kernel/kernelHost';
import { Owner } from '../util/disposables';
import { isCancelled } from '../util/failures';
import type { Log } from '../util/log';
import { isConfigDocument } from './configFiles';

export interface ConfigCheck extends CheckedConfig {
  /** Why the engine could not check. */
  readonly failure?: string;
}

/** After the last keystroke. */
const DELAY_MS = 250;

export class ConfigChecks extends Owner {
  private readonly checked = this.register(new EventEmitter<Uri>());
  private readonly closed = this.register(new EventEmitter<Uri>());
  private readonly results = new Map<string, ConfigCheck>();
  private readonly pending = new Map<string, { timer: NodeJS.Timeout; abort: AbortController }>();

  readonly onDidCheck = this.checked.event;
  /** The document is closed and its result forgotten. */
  readonly onDidForget = this.closed.event;

  constructor(
    private readonly kernel: Pick<KernelHost, 'call'>,
    private readonly log: Log,
  ) {
    super();
    this.register(workspace.onDidOpenTextDocument((document) => this.schedule(document, 0)));
    this.register(workspace.onDidChangeTextDocument(({ document }) => this.schedule(document, DELAY_MS)));
    // Files that the configuration names may have appeared meanwhile.
    this.register(workspace.onDidSaveTextDocument((document) => this.schedule(document, 0)));
    this.register(workspace.onDidCloseTextDocument((document) => this.forget(document.uri)));
    this.register({ dispose: () => this.pending.forEach((_, key) => this.cancel(key)) });
    for (const document of workspace.textDocuments) this.schedule(document, 0);
  }

  /** The last result for a document; undefined while there is none. */
  get(uri: Uri): ConfigCheck | undefined {
    return this.results.get(uri.toString());
  }

  private schedule(document: TextDocument, delayMs: number): void {
    if (!isConfigDocument(document)) return;
    const key = document.uri.toString();
    this.cancel(key);
    const abort = new AbortController();
    const timer = setTimeout(() => void this.check(document, abort.signal), delayMs);
    this.pending.set(key, { timer, abort });
  }

  private async check(document: TextDocument, signal: AbortSignal): Promise<void> {
    const { uri } = document;
    let result: ConfigCheck;
    try {
      result = await this.kernel.call('config/check', { path: uri.fsPath, text: document.getText() }, { signal });
    } catch (error) {
      if (isCancelled(error) || signal.aborted) return;
      const failure = error instanceof Error ? error.message : String(error);
      this.log.warn(`${uri.fsPath} could not be checked: ${failure}`);
      result = { problems: [], failure };
    }
    if (signal.aborted) return;
    this.results.set(uri.toString(), result);
    this.checked.fire(uri);
  }

  private forget(uri: Uri): void {
    this.cancel(uri.toString());
    if (this.results.delete(uri.toString())) this.closed.fire(uri);
  }

  private cancel(key: string): void {
    const pending = this.pending.get(key);
    if (!pending) return;
    clearTimeout(pending.timer);
    pending.abort.abort();
    this.pending.delete(key);
  }
}
