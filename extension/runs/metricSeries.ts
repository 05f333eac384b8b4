/** @file All curves of one run as columns, and what a page gets of them: an x axis, a range, smoothing, decimation. */
import type { EvalRecord, MetricRecord, RunInfo, TrainRecord } from '../../kernels/protocol/types';
import type { SeriesName, Trace, XAxis } from '../../webview/protocol/dashboard';
import { Column } from './column';
import { decimate } from './decimate';
import { MovingAverage } from './smoothing';

export interface TraceRequest {
  readonly x: XAxis;
  /** Part of the x axis that is shown; absent for all. */
  readonly range?: readonly [number, number];
  /** Buckets across the range; each gives at most two points. */
  readonly buckets: number;
  /** Weight of the moving average, 0 for none, below 1. */
  readonly smoothing: number;
}

/** Record values as they may be on disk: what is not a finite number is written as null. */
const number = (value: number | null | undefined) => value ?? NaN;

export class MetricSeries {
  private readonly train = {
    step: new Column(),
    time: new Column(),
    epoch: new Column(),
    tokens: new Column(),
  };
  private readonly evals = {
    step: new Column(),
    time: new Column(),
    epoch: new Column(),
    tokens: new Column(),
  };
  private readonly columns = {
    loss: new Column(),
    grad_norm: new Column(),
    tokens_per_second: new Column(),
    rss: new Column(),
  };
  private readonly evalLoss = new Column();
  /** By name, of models that answer for whole texts. */
  private readonly evalMetrics = new Map<string, Column>();
  private readonly stepSeconds = new Column();
  private readonly learningRates = new Map<string, Column>();
  /** Of the columns that were last asked for smoothed; while a run is watched, each look adds a few points. */
  private readonly averages = new Map<Column, MovingAverage>();
  /** Second 0 of the time axis. */
  private origin: number | undefined;
  private latest = -Infinity;
  private secondsInSteps = 0;
  private largestRss = 0;

  constructor(private readonly info: Pick<RunInfo, 'created' | 'steps_per_epoch'> | null) {
    this.origin = info?.created;
  }

  append(record: MetricRecord): void {
    this.origin ??= record.time;
    if (record.kind === 'train') this.appendTrain(record);
    else this.appendEval(record);
  }

  /** Step of the last training record, 0 before the first. */
  get lastStep(): number {
    return this.train.step.view().at(-1) ?? 0;
  }

  /** Mean over the last steps, undefined before the first. */
  recentStepSeconds(steps = 20): number | undefined {
    const recent = this.stepSeconds.view().slice(-steps).filter(Number.isFinite);
    return recent.length === 0 ? undefined : recent.reduce((sum, s) => sum + s, 0) / recent.length;
  }

  recentTokensPerSecond(steps = 20): number | undefined {
    const tokens = this.train.tokens.view();
    const seconds = this.stepSeconds.view().slice(-steps);
    if (seconds.length === 0) return undefined;
    const before = tokens.at(-1 - seconds.length) ?? 0;
    const total = seconds.reduce((sum, s) => sum + s, 0);
    return total > 0 ? (tokens.at(-1)! - before) / total : undefined;
  }

  /** Loss of the last training step, undefined before the first. */
  get lastLoss(): number | undefined {
    return this.columns.loss.view().at(-1);
  }

  /** Loss of the last evaluation, undefined before the first. */
  get lastEvalLoss(): number | undefined {
    return this.evalLoss.view().at(-1);
  }

  /** Time spent in training steps, without evaluations and pauses. */
  get totalStepSeconds(): number {
    return this.secondsInSteps;
  }

  /** Over all steps, undefined before the first. */
  get meanTokensPerSecond(): number | undefined {
    const tokens = this.train.tokens.view().at(-1);
    return tokens === undefined || this.secondsInSteps === 0 ? undefined : tokens / this.secondsInSteps;
  }

  /** Bytes, undefined before the first step. */
  get peakRss(): number | undefined {
    return this.largestRss > 0 ? this.largestRss : undefined;
  }

  /** Bytes, undefined before the first step. */
  get lastRss(): number | undefined {
    return this.columns.rss.view().at(-1);
  }

  /** Every curve over the wanted axis. */
  traces(request: TraceRequest): Trace[] {
    const traces: Trace[] = [];
    const add = (series: SeriesName, group: string, x: Column, y: Column, smoothing: number) => {
      if (y.length > 0) traces.push(this.trace(series, group, x.view(), y, { ...request, smoothing }));
    };
    const x = this.train[request.x];
    add('loss', '', x, this.columns.loss, request.smoothing);
    const evals = this.evals[request.x];
    add('eval_loss', '', evals, this.evalLoss, 0);
    for (const [name, column] of this.evalMetrics) add('eval_metric', name, evals, column, 0);
    for (const [group, column] of this.learningRates) add('learning_rate', group, x, column, 0);
    add('grad_norm', '', x, this.columns.grad_norm, request.smoothing);
    add('tokens_per_second', '', x, this.columns.tokens_per_second, request.smoothing);
    add('rss', '', x, this.columns.rss, 0);
    return traces;
  }

  private appendTrain(record: TrainRecord): void {
    const { train, columns } = this;
    const tokensBefore = train.tokens.view().at(-1) ?? 0;
    train.step.push(record.step);
    train.time.push(this.sinceOrigin(record.time));
    train.epoch.push(record.epoch);
    train.tokens.push(record.tokens);
    columns.loss.push(number(record.loss));
    columns.grad_norm.push(number(record.grad_norm));
    columns.tokens_per_second.push((record.tokens - tokensBefore) / record.step_seconds);
    columns.rss.push(number(record.rss));
    this.stepSeconds.push(record.step_seconds);
    if (Number.isFinite(record.step_seconds)) this.secondsInSteps += record.step_seconds;
    this.largestRss = Math.max(this.largestRss, number(record.rss) || 0);
    pushNamed(this.learningRates, record.learning_rate, train.step.length);
  }

  /** Seconds on the time axis. A clock that was set back must not bend the curves back: they stand until it has caught up. */
  private sinceOrigin(time: number): number {
    return (this.latest = Math.max(this.latest, time - this.origin!));
  }

  /** `tokens` of an eval record counts the eval set, so its place on the axes is that of the training step before it. */
  private appendEval({ step, time, loss, metrics = {} }: EvalRecord): void {
    const { evals, train } = this;
    const before = lastAtOrBelow(train.step.view(), step);
    evals.step.push(step);
    evals.time.push(this.sinceOrigin(time));
    evals.epoch.push(this.info ? step / this.info.steps_per_epoch : (train.epoch.view()[before] ?? 0));
    evals.tokens.push(train.tokens.view()[before] ?? 0);
    this.evalLoss.push(number(loss));
    pushNamed(this.evalMetrics, metrics as Readonly<Record<string, number | null>>, evals.step.length);
  }

  private averageOf(column: Column, weight: number): Float64Array {
    let average = this.averages.get(column);
    if (average?.weight !== weight) this.averages.set(column, (average = new MovingAverage(column, weight)));
    return average.view();
  }

  private trace(series: SeriesName, group: string, x: Float64Array, column: Column, request: TraceRequest): Trace {
    const y = column.view();
    const smoothed = request.smoothing > 0 ? this.averageOf(column, request.smoothing) : undefined;
    const [from, to] = request.range ? indexRange(x, request.range) : [0, x.length];
    const kept = decimate(x.subarray(from, to), y.subarray(from, to), request.buckets).map((i) => i + from);
    const pick = (values: Float64Array) => Float64Array.from(kept, (i) => values[i]!);
    return {
      series,
      group,
      x: pick(x),
      y: pick(y),
      ...(smoothed && { smoothed: pick(smoothed) }),
      isDecimated: kept.length < to - from,
    };
  }
}

/** Adds the values of a record to columns of `length` values: a name that is new, or left out, has gaps. */
function pushNamed(
  columns: Map<string, Column>,
  values: Readonly<Record<string, number | null>>,
  length: number,
): void {
  for (const name of Object.keys(values)) if (!columns.has(name)) columns.set(name, new Column());
  for (const [name, column] of columns) {
    while (column.length < length - 1) column.push(NaN);
    column.push(number(values[name]));
  }
}

/** Index of the last value ≤ `limit` in ascending `values`, -1 when there is none. */
function lastAtOrBelow(values: Float64Array, limit: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (values[middle]! <= limit) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Half-open index range of the points inside `range`, and one neighbour on each side so that lines reach the border. */
function indexRange(x: Float64Array, [low, high]: readonly [number, number]): [number, number] {
  const from = Math.max(0, lastAtOrBelow(x, low));
  const to = Math.min(x.length, lastAtOrBelow(x, high) + 2);
  return [from, Math.max(from, to)];
}
