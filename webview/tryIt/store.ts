/** @file What the page that tries models shows: the models that may be chosen, and what each of the chosen ones answers. */
import { computed, effect, signal, untracked, type Signal } from '@preact/signals-core';
import * as l10n from '@vscode/l10n';
import type { Client } from '../../kernels/protocol/channel';
import type { GeneratedText } from '../../kernels/protocol/calls/generate';
import { KernelError } from '../../kernels/protocol/errors';
import type { TryItOffer, TryItPage, TryItSnapshot } from '../protocol/tryIt';
import { Failures } from '../shared/failures';
import type { VsCodeApi } from '../shared/host';
import { promptOf, rememberPrompt, settingsOf, tryItChoices } from './choices';

export type ColumnId = 'base' | 'adapter' | 'merged';

export interface Answer {
  readonly state: 'waiting' | 'writing' | 'done' | 'stopped' | 'failed';
  readonly text: string;
  /** Pieces that came so far: about one for each token. */
  readonly pieces: number;
  readonly result?: GeneratedText;
  readonly failure?: string;
}

export interface Column {
  readonly id: ColumnId;
  readonly base: string;
  readonly adapter?: string;
}

export class TryItStore {
  readonly failures = new Failures();
  readonly choices;
  readonly snapshot = signal<TryItSnapshot | null>(null);
  readonly about = signal<{ readonly hasChatTemplate: boolean; readonly maxLength: number } | null>(null);
  readonly answers: Readonly<Record<ColumnId, Signal<Answer | null>>> = {
    base: signal<Answer | null>(null),
    adapter: signal<Answer | null>(null),
    merged: signal<Answer | null>(null),
  };
  /** Said by a screen reader when an answer is over. */
  readonly spoken = signal('');
  readonly isWriting = signal(false);

  /** The models that will answer. */
  readonly columns = computed<readonly Column[]>(() => {
    const { base, adapter, merged, isBaseShown } = this.choices;
    const [baseDir, adapterDir, mergedDir] = [base.value, adapter.value, merged.value];
    return [
      ...(baseDir !== null && isBaseShown.value ? [{ id: 'base', base: baseDir } as const] : []),
      ...(baseDir !== null && adapterDir !== null
        ? [{ id: 'adapter', base: baseDir, adapter: adapterDir } as const]
        : []),
      ...(mergedDir !== null ? [{ id: 'merged', base: mergedDir } as const] : []),
    ];
  });

  readonly canChat = computed(() => this.about.value?.hasChatTemplate === true);
  readonly canWrite = computed(
    () =>
      this.snapshot.value?.canWrite === true &&
      this.columns.value.length > 0 &&
      !this.isWriting.value &&
      this.choices.prompt.value !== '',
  );

  private stopping: AbortController | undefined;

  constructor(
    private readonly host: Client<TryItPage>,
    api: Pick<VsCodeApi, 'getState' | 'setState'>,
  ) {
    this.choices = tryItChoices(api);
  }

  async open(): Promise<void> {
    this.host.on('tryIt/changed', (snapshot) => (this.snapshot.value = snapshot));
    this.host.on('tryIt/offer', (offer) => this.accept(offer));
    const opened = await this.failures.attempt(l10n.t('open the page'), this.host.call('page/open', {}));
    if (!opened) return;
    this.snapshot.value = opened.snapshot;
    if (opened.offer) this.accept(opened.offer);
    else if (this.choices.base.value === null) this.chooseFirst(opened.snapshot);
    effect(() => {
      const base = this.choices.base.value ?? this.choices.merged.value;
      untracked(() => void this.ask(base));
    });
  }

  /** An adapter brings its base with it, when it says which. */
  async chooseAdapter(adapter: string | null): Promise<void> {
    this.choices.adapter.value = adapter;
    if (adapter === null) return;
    const action = l10n.t('find the base model');
    const base = await this.failures.attempt(action, this.host.call('tryIt/baseOf', { adapter }));
    if (base && this.choices.adapter.value === adapter) this.choices.base.value = base;
  }

  async browse(what: ColumnId): Promise<void> {
    const path = await this.failures.attempt(l10n.t('choose a folder'), this.host.call('tryIt/browse', { what }));
    if (!path) return;
    if (what === 'adapter') await this.chooseAdapter(path);
    else this.choices[what].value = path;
  }

  copy(text: string): void {
    void this.failures.attempt(l10n.t('copy the answer'), this.host.call('tryIt/copy', { text }));
  }

  stop(): void {
    this.stopping?.abort();
  }

  /** All chosen models answer the prompt, token by token in turn. */
  async write(): Promise<void> {
    if (!this.canWrite.value) return;
    const stopping = (this.stopping = new AbortController());
    rememberPrompt(this.choices);
    this.isWriting.value = true;
    for (const answer of Object.values(this.answers)) answer.value = null;
    await Promise.all(this.columns.value.map((column) => this.answer(column, stopping.signal)));
    this.isWriting.value = false;
  }

  private async answer({ id, ...model }: Column, signal: AbortSignal): Promise<void> {
    const answer = this.answers[id];
    const change = (next: Partial<Answer>): void => {
      answer.value = { ...(answer.value ?? { state: 'waiting', text: '', pieces: 0 }), ...next };
    };
    change({});
    const prompt = promptOf(this.choices, this.canChat.value);
    try {
      const result = await this.host.call(
        'tryIt/write',
        { ...model, prompt, settings: settingsOf(this.choices) },
        {
          signal,
          onProgress: ({ text }) => {
            if (text === undefined || text === '') return;
            change({
              state: 'writing',
              text: (answer.value?.text ?? '') + text,
              pieces: (answer.value?.pieces ?? 0) + 1,
            });
          },
        },
      );
      change({ state: 'done', text: result.text, result });
      this.spoken.value = l10n.t('{0}: {1}', columnTitle(id), result.text);
    } catch (error) {
      if (KernelError.is(error, 'cancelled')) change({ state: 'stopped' });
      else change({ state: 'failed', failure: error instanceof Error ? error.message : String(error) });
    }
  }

  private accept({ base, adapter }: TryItOffer): void {
    if (base !== null) this.choices.base.value = base;
    this.choices.adapter.value = adapter;
  }

  /** The latest run, else an adapter, else a checkpoint: something to begin with. */
  private chooseFirst({ runs, adapters, checkpoints }: TryItSnapshot): void {
    const run = runs.find((r) => r.checkpoints.length > 0);
    const adapter = run?.checkpoints[0]?.path ?? adapters[0]?.path;
    if (run) this.choices.base.value = run.base;
    else this.choices.base.value = checkpoints[0]?.path ?? null;
    if (adapter !== undefined) void this.chooseAdapter(adapter);
  }

  private async ask(base: string | null): Promise<void> {
    if (base === null) return void (this.about.value = null);
    const about = await this.failures.attempt(l10n.t('read the base model'), this.host.call('tryIt/about', { base }));
    const now = this.choices.base.value ?? this.choices.merged.value;
    if (now === base) this.about.value = about ?? null;
  }
}

export function columnTitle(id: ColumnId): string {
  const titles: Readonly<Record<ColumnId, string>> = {
    base: l10n.t('Base'),
    adapter: l10n.t('Adapter'),
    merged: l10n.t('Merged'),
  };
  return titles[id];
}
