/** @file Everything one run has written, kept up to date: state, curves, spectra, activity, samples, events. The run need not be ours or alive. */
import { watch, type FSWatcher } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunEvent, RunInfo, RunState } from '../../kernels/protocol/types';
import type { Log } from '../util/log';
import type { Disposable } from '../util/disposables';
import { ActivitySeries } from './activitySeries';
import { JsonlTail } from './jsonlTail';
import { effectiveState, isLive, thisMachine, type Machine } from './liveness';
import { MetricSeries } from './metricSeries';
import { RankSeries } from './rankSeries';
import { parseActivity, parseEvent, parseMetric, parseSample, parseSpectrum } from './records';
import { readRunContents, readRunInfo, readRunState, runFiles, type RunContents } from './runFolder';
import { SampleSeries } from './sampleSeries';

/** File events are missed on network file systems, so we also look by the clock. */
const LIVE_POLL_MS = 500;
const REST_POLL_MS = 3_000;

export class RunFollower implements Disposable {
  info: RunInfo | null = null;
  metrics = new MetricSeries(null);
  ranks = new RankSeries();
  activity = new ActivitySeries();
  samples = new SampleSeries();
  events: RunEvent[] = [];
  contents: RunContents = { lastCheckpoint: null, adapter: null };
  /** Rises whenever anything changed. */
  revision = 0;
  /** Rises when spectra were added. */
  spectraRevision = 0;
  /** Rises when activity was added. */
  activityRevision = 0;
  /** Rises when samples were added. */
  samplesRevision = 0;
  /** The folder is not there (any more). What was read before is kept. */
  isGone = false;

  private written: RunState | null = null;
  private shown: RunState | null = null;
  private tails: ReturnType<RunFollower['makeTails']>;
  private watcher: FSWatcher | undefined;
  private timer: NodeJS.Timeout | undefined;
  private reading: Promise<void> | undefined;
  private isReadWanted = false;
  private isDisposed = false;
  private readonly complaints = new Set<string>();
  private readonly listeners = new Set<() => void>();

  constructor(
    readonly folder: string,
    private readonly log: Log,
    private readonly machine: Machine = thisMachine,
  ) {
    this.tails = this.makeTails();
  }

  /** The state as it is shown, null while the folder has none. */
  get state(): RunState | null {
    return this.shown;
  }

  get etaSeconds(): number | null {
    const { state } = this;
    const perStep = this.metrics.recentStepSeconds();
    if (!state || !isLive(state) || perStep === undefined) return null;
    return Math.max(0, state.total_steps - this.metrics.lastStep) * perStep;
  }

  onDidChange(listener: () => void): Disposable {
    this.listeners.add(listener);
    return { dispose: () => this.listeners.delete(listener) };
  }

  /** Reads what is there, then follows the folder until disposed. Resolves when everything so far has been read. */
  async start(): Promise<void> {
    try {
      this.watcher = watch(this.folder, () => void this.refresh());
      // The folder may be deleted, or the system be out of watches; the clock goes on.
      this.watcher.on('error', () => this.watcher?.close());
    } catch (error) {
      this.complain('watch', error);
    }
    await this.refresh();
    this.schedule();
  }

  /** Reads what is new. Requests while a read is under way are joined into one more read. */
  refresh(): Promise<void> {
    this.isReadWanted = true;
    return (this.reading ??= this.readWhileWanted().finally(() => (this.reading = undefined)));
  }

  dispose(): void {
    this.isDisposed = true;
    clearTimeout(this.timer);
    this.watcher?.close();
    this.listeners.clear();
  }

  private schedule(): void {
    if (this.isDisposed) return;
    const isAtWork = this.state !== null && isLive(this.state);
    this.timer = setTimeout(
      () => void this.refresh().then(() => this.schedule()),
      isAtWork ? LIVE_POLL_MS : REST_POLL_MS,
    );
  }

  private async readWhileWanted(): Promise<void> {
    while (this.isReadWanted && !this.isDisposed) {
      this.isReadWanted = false;
      const wasGone = this.isGone;
      this.isGone = await isMissing(this.folder);
      if (this.isGone) {
        if (!wasGone) this.announce();
        continue;
      }
      // What is there now need not be what was there before.
      if (wasGone) this.info = null;
      let hasChanged = wasGone;
      hasChanged = (await this.attempt('run.json', () => this.readInfo())) || hasChanged;
      // The state is read before the records and shown after them: what is shown as finished has its last points.
      hasChanged = (await this.attempt('state.json', () => this.readState())) || hasChanged;
      hasChanged = (await this.attempt('metrics.jsonl', () => this.readMetrics())) || hasChanged;
      hasChanged = (await this.attempt('spectra.jsonl', () => this.readSpectra())) || hasChanged;
      hasChanged = (await this.attempt('activity.jsonl', () => this.readActivity())) || hasChanged;
      hasChanged = (await this.attempt('samples.jsonl', () => this.readSamples())) || hasChanged;
      hasChanged = (await this.attempt('events.jsonl', () => this.readEvents())) || hasChanged;
      hasChanged = this.show() || hasChanged;
      if (hasChanged) this.announce();
    }
  }

  private announce(): void {
    if (this.isDisposed) return;
    this.revision++;
    for (const listener of this.listeners) listener();
  }

  private async readInfo(): Promise<boolean> {
    if (this.info) return false;
    this.info = await readRunInfo(this.folder);
    if (!this.info) return false;
    // The axes depend on it: read the records again.
    this.tails = this.makeTails();
    this.metrics = new MetricSeries(this.info);
    this.ranks = new RankSeries();
    this.activity = new ActivitySeries();
    this.samples = new SampleSeries();
    this.events = [];
    return true;
  }

  private async readState(): Promise<boolean> {
    this.written = await readRunState(this.folder);
    return false;
  }

  private async readMetrics(): Promise<boolean> {
    const { records, isReset } = await this.tails.metrics.read();
    if (isReset) this.metrics = new MetricSeries(this.info);
    for (const record of records) this.metrics.append(record);
    return isReset || records.length > 0;
  }

  private async readSpectra(): Promise<boolean> {
    const { records, isReset } = await this.tails.spectra.read();
    if (isReset) this.ranks = new RankSeries();
    for (const record of records) this.ranks.append(record);
    if (!isReset && records.length === 0) return false;
    this.spectraRevision++;
    return true;
  }

  private async readActivity(): Promise<boolean> {
    const { records, isReset } = await this.tails.activity.read();
    if (isReset) this.activity = new ActivitySeries();
    for (const record of records) this.activity.append(record);
    if (!isReset && records.length === 0) return false;
    this.activityRevision++;
    return true;
  }

  private async readSamples(): Promise<boolean> {
    const { records, isReset } = await this.tails.samples.read();
    if (isReset) this.samples = new SampleSeries();
    for (const record of records) this.samples.append(record);
    if (!isReset && records.length === 0) return false;
    this.samplesRevision++;
    return true;
  }

  private async readEvents(): Promise<boolean> {
    const { records, isReset } = await this.tails.events.read();
    if (isReset) this.events = [];
    this.events.push(...records);
    // Checkpoints and the adapter appear before the event that tells of them.
    if (isReset || records.length > 0) this.contents = await readRunContents(this.folder);
    return isReset || records.length > 0;
  }

  private show(): boolean {
    const next = this.written && effectiveState(this.written, this.machine);
    const { shown } = this;
    this.shown = next;
    const isSameWork = next?.doing?.what === shown?.doing?.what && next?.doing?.fraction === shown?.doing?.fraction;
    return next?.status !== shown?.status || next?.step !== shown?.step || next?.error !== shown?.error || !isSameWork;
  }

  private async attempt(what: string, read: () => Promise<boolean>): Promise<boolean> {
    try {
      return await read();
    } catch (error) {
      this.complain(what, error);
      return false;
    }
  }

  /** Once for each message: the same trouble comes back with every look. */
  private complain(what: string, error: unknown): void {
    const message = `${this.folder}: ${what}: ${error instanceof Error ? error.message : String(error)}`;
    if (this.complaints.has(message)) return;
    this.complaints.add(message);
    this.log.warn(message);
  }

  private makeTails() {
    const tail = <T>(name: string, parse: (value: unknown) => T) =>
      new JsonlTail(join(this.folder, name), parse, (line, error) => this.complain(`${name}: ${line}`, error));
    return {
      metrics: tail(runFiles.metrics, parseMetric),
      spectra: tail(runFiles.spectra, parseSpectrum),
      activity: tail(runFiles.activity, parseActivity),
      samples: tail(runFiles.samples, parseSample),
      events: tail(runFiles.events, parseEvent),
    };
  }
}

async function isMissing(folder: string): Promise<boolean> {
  try {
    await stat(folder);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
}
