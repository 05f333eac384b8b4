/** @file What the dashboard shows: the host's snapshot, the curves pulled for it, and what the person chose. */
import * as l10n from '@vscode/l10n';
import { computed, effect, signal, untracked } from '@preact/signals-core';
import type { Client } from '../../kernels/protocol/channel';
import type { DashboardPage, DashboardSnapshot, RankTable, Trace, XAxis } from '../protocol/dashboard';
import { Failures } from '../shared/failures';
import type { VsCodeApi } from '../shared/host';
import { padded, xExtent } from '../shared/plot/extent';
import type { Range } from '../shared/plot/lineFigure';
import { Pull } from '../shared/pull';
import { dashboardChoices } from './choices';

/** The curves with what they were asked for, so that labels and units always fit the numbers. */
export interface ShownTraces {
  readonly x: XAxis;
  readonly traces: readonly Trace[];
}

export interface Spectrum {
  readonly module: string;
  readonly steps: readonly number[];
  readonly values: readonly (readonly number[])[];
}

export class DashboardStore {
  readonly failures = new Failures();
  readonly choices;
  readonly snapshot = signal<DashboardSnapshot | null>(null);
  readonly shown = signal<ShownTraces | null>(null);
  readonly ranks = signal<RankTable | null>(null);
  readonly spectrum = signal<Spectrum | null>(null);
  /** The chosen part of the x axis of the metric plots; null: everything. */
  readonly zoom = signal<Range | null>(null);
  /** Buckets a curve is asked in: about the width of a plot in pixels. */
  readonly buckets = signal(400);

  /** From the first to the last point of the run, from the last pull that was not zoomed. */
  private readonly extent = signal<Range>([0, 1]);
  readonly xRange = computed<Range>(() => this.zoom.value ?? padded(this.extent.value));

  /** The chosen module, or the first one while none, or one of another run, is chosen. */
  readonly module = computed<string | null>(() => {
    const modules = this.ranks.value?.modules ?? [];
    const chosen = this.choices.module.value;
    return (modules.find(({ name }) => name === chosen) ?? modules[0])?.name ?? null;
  });

  private readonly seriesPull = new Pull(() => this.pullSeries());
  private readonly ranksPull = new Pull(() => this.pullRanks());
  private readonly spectrumPull = new Pull(() => this.pullSpectrum());

  constructor(
    private readonly host: Client<DashboardPage>,
    api: Pick<VsCodeApi, 'getState' | 'setState'>,
  ) {
    this.choices = dashboardChoices(api);
  }

  /** Asks for the snapshot, then follows the run. */
  async open(): Promise<void> {
    this.host.on('run/changed', (snapshot) => this.take(snapshot));
    const snapshot = await this.failures.attempt(l10n.t('read the run'), this.host.call('page/open', {}));
    // Events may overtake the answer; the newer of the two stays.
    if (snapshot && (this.snapshot.value?.revision ?? -1) <= snapshot.revision) this.take(snapshot);
    this.follow();
  }

  command(command: 'stop' | 'resume' | 'merge' | 'openFolder' | 'openLog'): void {
    const names = {
      stop: l10n.t('stop the run'),
      resume: l10n.t('resume the run'),
      merge: l10n.t('merge the adapter'),
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

  /** Chooses a part of x; what reaches past both ends of the run, or null, shows everything. */
  zoomTo(range: Range | null): void {
    if (range === null) return void (this.zoom.value = null);
    const [low, high] = padded(this.extent.value);
    const next: Range = [Math.max(low, range[0]), Math.min(high, range[1])];
    // Below a millionth of the run there is nothing to see, and floating-point ticks run together.
    if (next[1] - next[0] <= (high - low) * 1e-6) return;
    this.zoom.value = next[0] <= low && next[1] >= high ? null : next;
  }

  zoomBy(factor: number): void {
    const [low, high] = this.xRange.value;
    const [centre, half] = [(low + high) / 2, ((high - low) / 2) * factor];
    this.zoomTo([centre - half, centre + half]);
  }

  setXAxis(x: XAxis): void {
    if (x === this.choices.xAxis.value) return;
    // A range in other units means nothing.
    this.zoom.value = null;
    this.choices.xAxis.value = x;
  }

  private take(snapshot: DashboardSnapshot): void {
    this.choices.run.value = snapshot.run;
    this.snapshot.value = snapshot;
  }

  private follow(): void {
    const { xAxis, smoothing } = this.choices;
    const revision = computed(() => this.snapshot.value?.revision);
    const spectraRevision = computed(() => this.snapshot.value?.spectraRevision);
    const depends = (signals: readonly { readonly value: unknown }[], pull: Pull) =>
      effect(() => {
        signals.forEach((s) => s.value);
        untracked(() => pull.request());
      });
    depends([revision, xAxis, smoothing, this.zoom, this.buckets], this.seriesPull);
    depends([spectraRevision], this.ranksPull);
    depends([spectraRevision, this.module], this.spectrumPull);
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
    const table = await this.failures.attempt(l10n.t('read the ranks'), this.host.call('rank/table', {}));
    if (table) this.ranks.value = table;
  }

  private async pullSpectrum(): Promise<void> {
    const module = this.module.value;
    if (module === null) return;
    const call = this.host.call('rank/spectrum', { module });
    const spectrum = await this.failures.attempt(l10n.t('read the singular values'), call);
    if (spectrum) this.spectrum.value = { module, ...spectrum };
  }
}
