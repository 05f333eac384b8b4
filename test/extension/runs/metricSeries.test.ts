/** @file The curves of a run over each axis. */
import { describe, expect, test } from 'vitest';
import { MetricSeries } from '../../../extension/runs/metricSeries';
import { smooth } from '../../../extension/runs/smoothing';
import type { EvalRecord, TrainRecord } from '../../../kernels/protocol/types';

const created = 1_000;
const record = (step: number, more: Partial<TrainRecord> = {}): TrainRecord => ({
  kind: 'train',
  step,
  time: created + 10 * step,
  epoch: step / 5,
  tokens: 100 * step,
  loss: 10 / step,
  learning_rate: { default: 0.1 },
  grad_norm: 1,
  step_seconds: 2,
  rss: 5e8,
  ...more,
});

function seriesOf(count: number) {
  const series = new MetricSeries({ created, steps_per_epoch: 5 });
  series.append({ kind: 'eval', step: 0, time: created + 1, loss: 9, tokens: 484 });
  for (let step = 1; step <= count; step++) series.append(record(step));
  series.append({ kind: 'eval', step: count, time: created + 10 * count, loss: 3, tokens: 484 });
  return series;
}

const whole = { x: 'step', buckets: 1_000, smoothing: 0 } as const;
const traceOf = (series: MetricSeries, name: string, request: Parameters<MetricSeries['traces']>[0] = whole) =>
  series.traces(request).find((trace) => trace.series === name)!;

describe('curves of a run', () => {
  test('evaluations stand at the training step they belong to, on every axis', () => {
    const series = seriesOf(10);
    const x = (axis: 'step' | 'tokens' | 'epoch' | 'time') => [
      ...traceOf(series, 'eval_loss', { ...whole, x: axis }).x,
    ];
    expect(x('step')).toEqual([0, 10]);
    expect(x('tokens')).toEqual([0, 1_000]);
    expect(x('epoch')).toEqual([0, 2]);
    expect(x('time')).toEqual([1, 100]);
  });

  test('tokens per second count the tokens of the step', () => {
    expect([...traceOf(seriesOf(3), 'tokens_per_second').y]).toEqual([50, 50, 50]);
    expect(seriesOf(30).recentTokensPerSecond()).toBe(50);
  });

  test('each parameter group has its learning rate, and a later group begins with a gap', () => {
    const series = new MetricSeries(null);
    series.append(record(1));
    series.append(record(2, { learning_rate: { default: 0.2, bias: 0.4 } }));
    const rates = series.traces(whole).filter((trace) => trace.series === 'learning_rate');
    expect(rates.map((trace) => [trace.group, [...trace.y]])).toEqual([
      ['default', [0.1, 0.2]],
      ['bias', [NaN, 0.4]],
    ]);
  });

  test('a part of the axis comes with one neighbour on each side', () => {
    const trace = traceOf(seriesOf(20), 'loss', { ...whole, range: [5.5, 8.5] });
    expect([...trace.x]).toEqual([5, 6, 7, 8, 9]);
  });

  test('smoothing is computed on all points, before a part is taken and before decimation', () => {
    const series = seriesOf(100);
    const all = traceOf(series, 'loss', { ...whole, smoothing: 0.9 });
    const part = traceOf(series, 'loss', { ...whole, smoothing: 0.9, range: [50, 60], buckets: 2 });
    expect(part.isDecimated).toBe(true);
    for (const [i, x] of [...part.x].entries()) expect(part.smoothed![i]).toBe(all.smoothed![x - 1]);
  });

  test('a clock that is set back does not bend the curves back', () => {
    const series = new MetricSeries({ created, steps_per_epoch: 5 });
    for (const [step, time] of [1010, 1020, 400, 410, 1030].entries()) series.append(record(step + 1, { time }));
    expect([...traceOf(series, 'loss', { ...whole, x: 'time' }).x]).toEqual([10, 20, 20, 20, 30]);
  });

  test('smoothing of a run that goes on is the same as of the whole', () => {
    const [grown, whole] = [seriesOf(10), seriesOf(60)];
    const request = { x: 'step', buckets: 1_000, smoothing: 0.8 } as const;
    grown.traces(request);
    for (let step = 11; step <= 60; step++) grown.append(record(step));
    expect(traceOf(grown, 'loss', request).smoothed).toEqual(traceOf(whole, 'loss', request).smoothed);
  });

  test('a loss that is no number is a gap', () => {
    const series = new MetricSeries(null);
    series.append(record(1));
    // As it is on disk: JSON has no NaN.
    series.append({ ...record(2), loss: null } as unknown as TrainRecord);
    expect([...traceOf(series, 'loss').y]).toEqual([10, NaN]);
  });
});

describe('the moving average', () => {
  test('a constant stays what it is from the first point', () => {
    for (const value of smooth(new Float64Array(50).fill(3), 0.97)) expect(value).toBeCloseTo(3, 12);
  });

  test('weight 0 gives the values themselves', () => {
    expect([...smooth(Float64Array.of(1, 5, 2), 0)]).toEqual([1, 5, 2]);
  });

  test('a missing value is passed over', () => {
    expect([...smooth(Float64Array.of(NaN, 4, NaN, 4), 0.5)]).toEqual([NaN, 4, 4, 4]);
  });
});

describe('metrics of evaluations', () => {
  const evaluation = (step: number, metrics: EvalRecord['metrics']): EvalRecord => ({
    ...{ kind: 'eval', step, time: created + step, loss: 1, tokens: 8 },
    ...(metrics && { metrics }),
  });

  test('are a curve each, with gaps where one was not said or is not defined', () => {
    const series = new MetricSeries(null);
    series.append(evaluation(0, { accuracy: 0.5 }));
    series.append(evaluation(5, { accuracy: 0.75, f1: 0.7 }));
    series.append(evaluation(9, { f1: 0.8, pearson: null }));
    const curves = series.traces(whole).filter((trace) => trace.series === 'eval_metric');
    expect(curves.map((trace) => [trace.group, [...trace.x], [...trace.y]])).toEqual([
      ['accuracy', [0, 5, 9], [0.5, 0.75, NaN]],
      ['f1', [0, 5, 9], [NaN, 0.7, 0.8]],
      ['pearson', [0, 5, 9], [NaN, NaN, NaN]],
    ]);
  });

  test('of a language model are none', () => {
    expect(
      seriesOf(3)
        .traces(whole)
        .some((trace) => trace.series === 'eval_metric'),
    ).toBe(false);
  });
});
