/** @file What the dashboard shows: the host's snapshot, the curves pulled for it, and what the person chose. */
import * as l10n from '@vscode/l10n';
import { computed, effect, signal, untracked } from '@preact/signals-core';
import type { Client } from '../../kernels/protocol/channel';
import type {
  ActivityReport,
  DashboardPage,
  DashboardSnapshot,
  RankOf,
  RankTable,
  RunCommand,
  Trace,
  XAxis,
} from '../protocol/dashboard';
import { Failures } from '../shared/failures';
import type { VsCodeApi } from '../shared/host';
import { CurveStore } from '../shared/curves/curveStore';
import { xExtent } from '../shared/plot/extent';
import { Pull } from '../shared/pull';
import { dashboardChoices } from './choices';
import { SAMPLE_BASES, SampleChoice } from './sampleChoice';

/** The curves with what they were asked for, so that labels and units always fit the numbers. */
export interface ShownTraces {
  readonly x: XAxis;
  readonly traces: readonly Trace[];
}

export interface Spectrum {
  readonly of: RankOf;
  readonly module: string;
  readonly steps: readonly number[];
  readonly values: readonly (readonly number[])[];
}

export class DashboardStore extends CurveStore {
  readonly failures = new Failures();
  override readonly choices;
  readonly snapshot = signal<DashboardSnapshot | null>(null);
  readonly shown = signal<ShownTraces | null>(null);
  readonly rankTables = signal<readonly RankTable[]>([]);
  /** That of the chosen matrix; of the first one that the run has while none, or one that it has not, is chosen. */
  readonly ranks = computed<RankTable | null>(() => {
    const tables = this.rankTables.value;
    return tables.find(({ of }) => of === this.choices.rankOf.value) ?? tables[0] ?? null;
  });
  readonly spectrum = signal<Spectrum | null>(null);
  readonly activity = signal<ActivityReport | null>(null);
  readonly samples: SampleChoice;
  /** The chosen module, or the first one while none, or one of another run, is chosen. */
  readonly module = computed<string | null>(() => {
    const modules = this.ranks.value?.modules ?? [];
    const chosen = this.choices.module.value;
    return (modules.find(({ name }) => name === chosen) ?? modules[0])?.name ?? null;
  });

  private readonly seriesPull = new Pull(() => this.pullSeries());
  private readonly ranksPull = new Pull(() => this.pullRanks());
  private readonly activityPull = new Pull(() => this.pullActivity());
  private readonly sampleListPull = new Pull(() => this.pullSampleList());
  private readonly samplesPull = new Pull(() => this.pullSamples());
  private readonly spectrumPull = new Pull(() => this.pullSpectrum());

  constructor(
    private readonly host: Client<DashboardPage>,
    api: Pick<VsCodeApi, 'getState' | 'setState'>,
  ) {
    super();
    this.choices = dashboardChoices(api);
    if (!Object.hasOwn(SAMPLE_BASES, this.choices.sampleBase.value)) this.choices.sampleBase.value = 'previous';
    this.samples = new SampleChoice(this.choices.sampleBase);
  }

  /** Asks for the snapshot, then follows the run. */
  async open(): Promise<void> {
    this.host.on('run/changed', (snapshot) => this.take(snapshot));
    const snapshot = await this.failures.attempt(l10n.t('read the run'), this.host.call('page/open', {}));
    // Events may overtake the answer; the newer of the two stays.
    if (snapshot && (this.snapshot.value?.revision ?? -1) <= snapshot.revision) this.take(snapshot);
    this.follow();
  }

  command(command: RunCommand): void {
    const names: Readonly<Record<RunCommand, string>> = {
      stop: l10n.t('stop the run'),
      resume: l10n.t('resume the run'),
      merge: l10n.t('merge the adapter'),
      tryIt: l10n.t('try the adapter'),
      inspect: l10n.t('inspect the adapter'),
      openConfiguration: l10n.t('open the configuration'),
      trainAgain: l10n.t('make a new configuration'),
      openFolder: l10n.t('open the folder'),
      openLog: l10n.t('open the log'),
    };
    void this.failures.attempt(names[command], this.host.call('run/command', { command }));
  }

  saveCsv(what: 'metrics' | 'spectra'): void {
    const action = what === 'metrics' ? l10n.t('save the metrics') : l10n.t('save the spectra');
    void this.failures.attempt(action, this.host.call('save/csv', { what }));
  }

  savePicture(name: string, dataUrl: string): void {
    void this.failures.attempt(l10n.t('save the picture'), this.host.call('save/png', { name, dataUrl }));
  }

  plotFailed(error: unknown): void {
    this.failures.add(l10n.t('draw a plot'), error);
  }

  private take(snapshot: DashboardSnapshot): void {
    this.choices.run.value = snapshot.run;
    this.snapshot.value = snapshot;
  }

  private follow(): void {
    const { xAxis, smoothing } = this.choices;
    const revision = computed(() => this.snapshot.value?.revision);
    const spectraRevision = computed(() => this.snapshot.value?.spectraRevision);
    const activityRevision = computed(() => this.snapshot.value?.activityRevision);
    const samplesRevision = computed(() => this.snapshot.value?.samplesRevision);
    const depends = (signals: readonly { readonly value: unknown }[], pull: Pull) =>
      effect(() => {
        signals.forEach((s) => s.value);
        untracked(() => pull.request());
      });
    depends([revision, xAxis, smoothing, this.zoom, this.buckets], this.seriesPull);
    depends([spectraRevision], this.ranksPull);
    depends([spectraRevision, this.module, computed(() => this.ranks.value?.of)], this.spectrumPull);
    depends([activityRevision], this.activityPull);
    depends([samplesRevision], this.sampleListPull);
    depends([samplesRevision, this.samples.wanted], this.samplesPull);
  }

  private async pullSeries(): Promise<void> {
    const x = this.choices.xAxis.value;
    const range = this.zoom.value;
    const smoothing = this.choices.smoothing.value;
    const params = { x, buckets: this.buckets.value, smoothing, ...(range ? { range } : {}) };
    const traces = await this.failures.attempt(l10n.t('read the curves'), this.host.call('series/get', params));
    // For an axis that is no longer chosen: the next pull is already due.
    if (!traces || x !== this.choices.xAxis.value) return;
    if (!range) this.extent.value = xExtent(traces) ?? [0, 1];
    this.shown.value = { x, traces };
  }

  private async pullRanks(): Promise<void> {
    const tables = await this.failures.attempt(l10n.t('read the ranks'), this.host.call('rank/tables', {}));
    if (tables) this.rankTables.value = tables;
  }

  private async pullActivity(): Promise<void> {
    const report = await this.failures.attempt(l10n.t('read the activity'), this.host.call('activity/get', {}));
    if (report) this.activity.value = report;
  }

  private async pullSampleList(): Promise<void> {
    const list = await this.failures.attempt(l10n.t('read the samples'), this.host.call('samples/list', {}));
    if (list) this.samples.list.value = list;
  }

  private async pullSamples(): Promise<void> {
    const steps = this.samples.wanted.value;
    if (steps.length === 0) return;
    const call = this.host.call('samples/at', { steps });
    const records = await this.failures.attempt(l10n.t('read the samples'), call);
    if (records) this.samples.take(steps, records);
  }

  private async pullSpectrum(): Promise<void> {
    const module = this.module.value;
    const of = this.ranks.value?.of;
    if (module === null || of === undefined) return;
    const call = this.host.call('rank/spectrum', { module, of });
    const spectrum = await this.failures.attempt(l10n.t('read the singular values'), call);
    if (spectrum) this.spectrum.value = { module, of, ...spectrum };
  }
}
