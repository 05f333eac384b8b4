import { describe, expect, it } from 'vitest';
import type { RunInfo } from '../../../kernels/protocol/types';
import { metricFigures, type FigureContext } from '../../../webview/dashboard/metricFigures';
import { readTheme } from '../../../webview/shared/theme';
import { TRACES } from './answers';

const info: RunInfo = {
  version: 1,
  name: 'tiny',
  created: 100,
  config_file: '/w/tiny.adapter.yaml',
  config: {},
  versions: {},
  device: { provider: 'cpu', threads: 2, reason: '' },
  digests: {},
  parameters: { base: 1, trainable: 1 },
  total_steps: 10,
  steps_per_epoch: 5,
};
const context: FigureContext = {
  theme: readTheme(document),
  isLogY: false,
  marks: [
    { event: 'resumed', time: 160, step: 3 },
    { event: 'warning', time: 170, step: 5, watch: 'loss-spike', reason: 'the loss is 9.1' },
  ],
  info,
  isOver: false,
};
const figureOf = (id: string, x: 'step' | 'time' | 'epoch' | 'tokens' = 'step') =>
  metricFigures({ x, traces: TRACES }, context).find((figure) => figure.id === id)!;

describe('metric figures', () => {
  it('draw the raw loss quietly behind the smoothed one, and evaluations with markers', () => {
    const [raw, smoothed, evals] = figureOf('loss').figure.curves;
    expect(raw!.style.opacity).toBeLessThan(1);
    expect(smoothed!.name).toBe('train loss, smoothed');
    expect(smoothed!.style.width).toBeGreaterThan(raw!.style.width);
    expect(evals!.style.symbol).toBe('diamond');
    expect(evals!.style.dash).not.toBe(smoothed!.style.dash);
  });

  it('draw one learning rate for each group', () => {
    expect(figureOf('learning-rate').legend.map(({ name }) => name)).toEqual(['lora_A', 'lora_B']);
  });

  it('need no legend for one curve', () => {
    expect(figureOf('grad-norm').legend).toEqual([]);
  });

  it.each([
    ['step', [3]],
    ['time', [60]],
    ['epoch', [0.6]],
    ['tokens', []],
  ] as const)('mark where the run was resumed on the axis of %s', (x, places) => {
    expect(figureOf('grad-norm', x).figure.marks.map((mark) => mark.x)).toEqual(places);
  });

  it('mark what the watchdog saw on the loss, and say what it was', () => {
    const alarms = figureOf('loss').figure.marks.filter((mark) => mark.isAlarm);
    expect(alarms).toEqual([{ x: 5, label: 'The loss has jumped at step 5: the loss is 9.1', isAlarm: true }]);
    expect(figureOf('grad-norm').figure.marks.some((mark) => mark.isAlarm)).toBe(false);
  });

  it('show metrics of evaluations where a run has them, by their names', () => {
    expect(figureOf('eval-metrics')).toBeUndefined();
    const metric = (group: string) =>
      ({ series: 'eval_metric', group, x: [0, 5], y: [0.5, 0.75], isDecimated: false }) as const;
    const traces = [...TRACES, metric('accuracy'), metric('matthews_correlation')];
    const figures = metricFigures({ x: 'step', traces }, context);
    expect(figures.map(({ id }) => id).slice(0, 3)).toEqual(['loss', 'eval-metrics', 'learning-rate']);
    expect(figures[1]!.legend.map(({ name }) => name)).toEqual(['accuracy', "Matthews' correlation"]);
    expect(figures[1]!.figure.curves.every(({ style }) => style.symbol === 'diamond')).toBe(true);
  });
});
