/** @file Learning-rate factors against transformers' `get_linear_schedule_with_warmup` and `get_cosine_schedule_with_warmup`. */
import { describe, expect, it } from 'vitest';
import type { Schedule } from '../../../kernels/trainer/schedule';
import { scheduleFactor } from '../../../kernels/trainer/schedule';

const steps = Array.from({ length: 11 }, (_, i) => i);
const factors = (type: Schedule['type']): readonly number[] =>
  steps.map((step) => scheduleFactor({ type, warmupSteps: 3, totalSteps: 10 }, step));
const WARMUP = [0, 1 / 3, 2 / 3, 1];

describe('with 3 of 10 steps of warm-up', () => {
  it.each([
    ['constant', [...WARMUP, 1, 1, 1, 1, 1, 1, 1]],
    ['linear', [...WARMUP, 6 / 7, 5 / 7, 4 / 7, 3 / 7, 2 / 7, 1 / 7, 0]],
    [
      'cosine',
      [
        ...WARMUP,
        0.9504844339512095,
        0.8117449009293668,
        0.6112604669781572,
        0.38873953302184283,
        0.18825509907063326,
        0.04951556604879048,
        0,
      ],
    ],
  ] as const)('%s', (type, expected) => {
    factors(type).forEach((factor, step) => expect(factor).toBeCloseTo(expected[step] ?? NaN, 14));
  });

  it.each([
    [250, 0.5],
    [500, 1],
    [1999, 0.9458],
    [2000, 0],
    [2001, 0.0188],
    [2025, 0.4711],
    [2050, 0.9422],
    [4000, 0],
    [4050, 0.7239],
    [9999, 0.1],
  ])('cosine_restarts of a long run, at step %i', (step, expected) => {
    const cycles = { every: 2000, restartWarmupSteps: 50, minRatio: 0.1 };
    const schedule = { type: 'cosine_restarts', warmupSteps: 500, totalSteps: 10_000, cycles } as const;
    expect(scheduleFactor(schedule, step)).toBeCloseTo(expected, 4);
  });

  it('cosine_restarts without a warm-up after restarts is one cosine', () => {
    const cycles = { every: 3, restartWarmupSteps: 0, minRatio: 0 };
    const restarting = steps.map((step) =>
      scheduleFactor({ type: 'cosine_restarts', warmupSteps: 3, totalSteps: 10, cycles }, step),
    );
    restarting.forEach((factor, step) => expect(factor).toBeCloseTo(factors('cosine')[step] ?? NaN, 14));
  });

  it('without warm-up the first step has the full rate', () => {
    for (const type of ['constant', 'linear', 'cosine'] as const) {
      expect(scheduleFactor({ type, warmupSteps: 0, totalSteps: 4 }, 0)).toBe(1);
    }
  });
});
