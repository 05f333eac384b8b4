/** @file The figures of each open configuration, known again after each check: what it trains, how long, with how much memory. */
import { EventEmitter, workspace, type Uri } from 'vscode';
import type { ConfigHint } from '../../kernels/protocol/calls/config';
import type { QuickEstimate } from '../../kernels/protocol/calls/estimate';
import { Owner } from '../util/disposables';
import { isCancelled } from '../util/failures';
import type { ConfigChecks } from './configChecks';
import type { DataChecks } from './dataChecks';
import type { LanguageParts } from './languageCall';
import { hintWords } from './hintWords';

export class ConfigFigures extends Owner {
  private readonly changed = this.register(new EventEmitter<Uri>());
  private readonly hints = new Map<string, readonly ConfigHint[]>();
  private readonly estimates = new Map<string, QuickEstimate>();
  private readonly asking = new Map<string, AbortController>();

  readonly onDidChange = this.changed.event;

  constructor(
    private readonly parts: LanguageParts,
    private readonly checks: Pick<ConfigChecks, 'get' | 'onDidCheck' | 'onDidForget'>,
    data: Pick<DataChecks, 'onDidCheck'>,
  ) {
    super();
    this.register(checks.onDidCheck((uri) => void this.ask(uri)));
    // Samples and steps are known only now.
    this.register(data.onDidCheck((uri) => void this.ask(uri)));
    this.register(checks.onDidForget((uri) => this.forget(uri)));
    this.register({ dispose: () => this.asking.forEach((abort) => abort.abort()) });
  }

  /** The estimate of the configuration as it was checked last. */
  memory(uri: Uri): QuickEstimate | undefined {
    return this.estimates.get(uri.toString());
  }

  /** Key → its figure in words. */
  texts(uri: Uri): Readonly<Record<string, string>> {
    const key = uri.toString();
    const found = (this.hints.get(key) ?? []).flatMap((hint) => {
      const words = hintWords(hint, this.estimates.get(key));
      return words ? [[hint.key, words.label] as const] : [];
    });
    return Object.fromEntries(found);
  }

  private async ask(uri: Uri): Promise<void> {
    const key = uri.toString();
    this.asking.get(key)?.abort();
    const document = workspace.textDocuments.find((open) => open.uri.toString() === key);
    if (!document) return;
    const abort = new AbortController();
    this.asking.set(key, abort);
    const { kernel, log } = this.parts;
    const request = { path: uri.fsPath, text: document.getText() };
    try {
      const { hints } = await kernel.call('config/hints', request, { signal: abort.signal });
      if (abort.signal.aborted) return;
      this.hints.set(key, hints);
      this.changed.fire(uri);
      // Only a configuration without errors has a summary, and can be estimated. This takes longer: a graph is made.
      const memory = this.checks.get(uri)?.summary
        ? await kernel.call('config/estimate', request, { signal: abort.signal })
        : undefined;
      if (abort.signal.aborted) return;
      if (memory) this.estimates.set(key, memory);
      else this.estimates.delete(key);
      this.changed.fire(uri);
    } catch (error) {
      if (!isCancelled(error)) log.debug(`figures: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  private forget(uri: Uri): void {
    const key = uri.toString();
    this.asking.get(key)?.abort();
    this.hints.delete(key);
    this.estimates.delete(key);
  }
}
