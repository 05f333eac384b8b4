/** @file What the page of tokens shows: one sample, the lengths of all, and what the person chose. */
import * as l10n from '@vscode/l10n';
import { signal } from '@preact/signals-core';
import type { Client } from '../../kernels/protocol/channel';
import { KernelError } from '../../kernels/protocol/errors';
import type { SampleGoal, SampleLengths, SampleSet, SampleTokens } from '../../kernels/protocol/calls/tokens';
import type { TokensPage, TokensSnapshot } from '../protocol/tokens';
import { Failures } from '../shared/failures';
import type { VsCodeApi } from '../shared/host';
import { Pull } from '../shared/pull';
import { keptChoices } from '../shared/uiState';

export class TokensStore {
  readonly failures = new Failures();
  readonly choices;
  readonly snapshot = signal<TokensSnapshot | null>(null);
  readonly sample = signal<SampleTokens | null>(null);
  /** Samples of the set; null while it is not known. */
  readonly count = signal<number | null>(null);
  readonly sets = signal<readonly SampleSet[]>(['train']);
  readonly lengths = signal<SampleLengths | null>(null);
  /** What was looked for and not found; empty: nothing. */
  readonly notFound = signal('');
  /** What is wrong with the row that was asked for, which is no sample. */
  readonly refused = signal('');

  private goal: SampleGoal | undefined;
  private readonly show = new Pull(() => this.pullSample());
  private readonly measure = new Pull(() => this.pullLengths());

  constructor(
    private readonly host: Client<TokensPage>,
    api: Pick<VsCodeApi, 'getState' | 'setState'>,
  ) {
    this.choices = keptChoices(api, {
      config: null as string | null,
      set: 'train',
      number: 1,
      query: '',
      areLengthsOpen: true,
    });
  }

  get set(): SampleSet {
    return this.choices.set.value === 'eval' ? 'eval' : 'train';
  }

  async open(): Promise<void> {
    this.host.on('config/changed', (snapshot) => this.take(snapshot));
    const snapshot = await this.failures.attempt(l10n.t('open the configuration'), this.host.call('page/open', {}));
    if (snapshot) this.take(snapshot);
  }

  go(goal: SampleGoal): void {
    this.goal = goal;
    this.show.request();
  }

  /** Forward or back, among the samples that hold what is searched for. */
  step(to: 'next' | 'previous', withWarning = false): void {
    this.go({ to, from: this.choices.number.value, query: this.choices.query.value, withWarning });
  }

  search(query: string): void {
    if (query === this.choices.query.value) return this.step('next');
    this.choices.query.value = query;
    if (query !== '') this.go({ to: 'next', from: 0, query });
  }

  chooseSet(set: SampleSet): void {
    if (set === this.set) return;
    this.choices.set.value = set;
    this.lengths.value = null;
    this.go({ to: 'number', number: 1 });
    this.measure.request();
  }

  openFile(): void {
    const sample = this.sample.value;
    if (!sample) return;
    const { file, line } = sample;
    void this.failures.attempt(l10n.t('open the file'), this.host.call('sample/open', { file, line }));
  }

  savePicture(name: string, dataUrl: string): void {
    void this.failures.attempt(l10n.t('save the picture'), this.host.call('save/png', { name, dataUrl }));
  }

  plotFailed(error: unknown): void {
    this.failures.add(l10n.t('draw a plot'), error);
  }

  private take(snapshot: TokensSnapshot): void {
    this.choices.config.value = snapshot.config;
    this.snapshot.value = snapshot;
    this.show.request();
    this.measure.request();
  }

  private async pullSample(): Promise<void> {
    const goal = this.goal ?? { to: 'number', number: this.choices.number.value };
    this.goal = undefined;
    const { set } = this;
    let answer: Awaited<ReturnType<typeof this.ask>>;
    try {
      answer = await this.ask(set, goal);
    } catch (error) {
      // A row that is no sample is something to look at, as any other; it has its place among the samples.
      const isRow = goal.to === 'number' && KernelError.is(error, 'input/refused') && this.isRow(goal.number);
      if (!isRow) return this.failures.add(l10n.t('show the sample'), error);
      this.failures.dismiss(l10n.t('show the sample'));
      this.choices.number.value = goal.number;
      this.sample.value = null;
      this.notFound.value = '';
      this.refused.value = error.message;
      return;
    }
    this.failures.dismiss(l10n.t('show the sample'));
    if (set !== this.set) return;
    const { sample, count, sets } = answer;
    this.count.value = count;
    this.sets.value = sets;
    this.notFound.value = sample ? '' : this.describe(goal);
    if (!sample) return;
    this.refused.value = '';
    this.sample.value = sample;
    this.choices.number.value = sample.sample;
  }

  private ask(set: SampleSet, goal: SampleGoal) {
    return this.host.call('tokens/show', { set, goal });
  }

  private isRow(number: number): boolean {
    const count = this.count.value ?? this.lengths.value?.samples;
    return count !== undefined && number >= 1 && number <= count;
  }

  private describe(goal: SampleGoal): string {
    if (goal.to !== 'next' && goal.to !== 'previous') return l10n.t('The data is empty.');
    const query = goal.query ?? '';
    if (goal.withWarning)
      return goal.to === 'next'
        ? l10n.t('No sample with a warning after this one.')
        : l10n.t('No sample with a warning before this one.');
    if (query === '')
      return goal.to === 'next' ? l10n.t('This is the last sample.') : l10n.t('This is the first sample.');
    return goal.to === 'next'
      ? l10n.t('No sample after this one contains “{0}”.', query)
      : l10n.t('No sample before this one contains “{0}”.', query);
  }

  private async pullLengths(): Promise<void> {
    const { set } = this;
    const lengths = await this.failures.attempt(
      l10n.t('measure the samples'),
      this.host.call('tokens/lengths', { set }),
    );
    if (lengths && set === this.set) this.lengths.value = lengths;
  }
}
