/** @file What the comparison shows: the runs, their curves, and what the person chose. */
import * as l10n from '@vscode/l10n';
import { computed, effect, signal, untracked } from '@preact/signals-core';
import type { Client } from '../../kernels/protocol/channel';
import type { ComparePage, ComparisonSnapshot, RankMean } from '../protocol/compare';
import type { Trace, XAxis } from '../protocol/dashboard';
import { CURVE_DEFAULTS, checkCurveChoices } from '../shared/curves/curveChoices';
import { CurveStore } from '../shared/curves/curveStore';
import { Failures } from '../shared/failures';
import type { VsCodeApi } from '../shared/host';
import { xExtent } from '../shared/plot/extent';
import { Pull } from '../shared/pull';
import { keptChoices } from '../shared/uiState';

const DEFAULTS = {
  ...CURVE_DEFAULTS,
  /** All keys of the configurations, not only those that differ. */
  areAllKeysShown: false,
  /** No choice, but kept like one: the runs' folders as a JSON list, from which the editor restores the panel after a reload. */
  runs: '[]',
};

/** The curves of each run with what they were asked for. */
export interface ComparedTraces {
  readonly x: XAxis;
  readonly runs: readonly (readonly Trace[])[];
}

export class CompareStore extends CurveStore {
  override readonly choices;
  readonly failures = new Failures();
  readonly snapshot = signal<ComparisonSnapshot | null>(null);
  readonly shown = signal<ComparedTraces | null>(null);
  readonly ranks = signal<readonly RankMean[]>([]);

  private readonly seriesPull = new Pull(() => this.pullSeries());
  private readonly ranksPull = new Pull(() => this.pullRanks());

  constructor(
    private readonly host: Client<ComparePage>,
    api: Pick<VsCodeApi, 'getState' | 'setState'>,
  ) {
    super();
    this.choices = keptChoices(api, DEFAULTS);
    checkCurveChoices(this.choices);
  }

  async open(): Promise<void> {
    this.host.on('runs/changed', (snapshot) => this.take(snapshot));
    const snapshot = await this.failures.attempt(l10n.t('read the runs'), this.host.call('page/open', {}));
    // Events may overtake the answer; the newer of the two stays.
    if (snapshot && (this.snapshot.value?.revision ?? -1) <= snapshot.revision) this.take(snapshot);
    this.follow();
  }

  openRun(folder: string): void {
    void this.failures.attempt(l10n.t('open the run'), this.host.call('run/open', { folder }));
  }

  override savePicture(name: string, dataUrl: string): void {
    void this.failures.attempt(l10n.t('save the picture'), this.host.call('save/png', { name, dataUrl }));
  }

  override plotFailed(error: unknown): void {
    this.failures.add(l10n.t('draw a plot'), error);
  }

  private take(snapshot: ComparisonSnapshot): void {
    this.choices.runs.value = JSON.stringify(snapshot.runs.map(({ folder }) => folder));
    this.snapshot.value = snapshot;
  }

  private follow(): void {
    const { xAxis, smoothing, measure } = this.choices;
    const revision = computed(() => this.snapshot.value?.revision);
    const spectraRevision = computed(() => this.snapshot.value?.spectraRevision);
    const depends = (signals: readonly { readonly value: unknown }[], pull: Pull) =>
      effect(() => {
        signals.forEach((s) => s.value);
        untracked(() => pull.request());
      });
    depends([revision, xAxis, smoothing, this.zoom, this.buckets], this.seriesPull);
    depends([spectraRevision, measure], this.ranksPull);
  }

  private async pullSeries(): Promise<void> {
    const x = this.choices.xAxis.value;
    const range = this.zoom.value;
    const params = { x, buckets: this.buckets.value, smoothing: this.choices.smoothing.value, ...(range && { range }) };
    const runs = await this.failures.attempt(l10n.t('read the curves'), this.host.call('series/get', params));
    // For an axis that is no longer chosen: the next pull is already due.
    if (!runs || x !== this.choices.xAxis.value) return;
    if (!range) this.extent.value = xExtent(runs.flat()) ?? [0, 1];
    this.shown.value = { x, runs };
  }

  private async pullRanks(): Promise<void> {
    const call = this.host.call('rank/means', { measure: this.choices.measure.value });
    const means = await this.failures.attempt(l10n.t('read the ranks'), call);
    if (means) this.ranks.value = means;
  }
}
