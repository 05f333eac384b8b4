/** @file When losses stand so far above those before training that the run has diverged. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DivergenceWatch } from '../../../kernels/trainer/divergence';
import { createRandom } from '../../../kernels/util/random';

/** Steps, counted from 1, at which something was told. */
function told(losses: readonly number[], samplesPerStep: number, isLikelihood = true): number[] {
  const watch = new DivergenceWatch(samplesPerStep, isLikelihood);
  return losses.flatMap((loss, i) => (watch.see({ kind: 'train', step: i + 1, loss }) ? [i + 1] : []));
}

test('a loss that explodes in the first steps is told once, at the second step of eight samples or more', () => {
  expect(told([0.63, 6.4, 14, 6.8, 5.9, 5.6, 5], 4)).toEqual([3]);
  expect(told([0.63, 10_200, 9000, 8000, 7000], 8)).toEqual([3]);
  expect(told([0.63, 10_200, 9000, 8000, 7000], 8, false)).toEqual([3]);
});

test('single samples need more steps, and more to compare with', () => {
  expect(told([1, 2, 1.5, 1, ...Array<number>(8).fill(9)], 1)).toEqual([12]);
  expect(told([1, 2, 1.5, 1, ...Array<number>(7).fill(9), 1], 1)).toEqual([]);
});

test('one odd batch is none, and a run that comes down and leaves again is told twice', () => {
  expect(told([2, 9, 2, 9, 2], 8)).toEqual([]);
  expect(told([2, 9, 9, 9, 2, 2, 9, 9], 8)).toEqual([3, 8]);
  expect(told([2, 9, 9, 5, 9, 9], 8)).toEqual([3]);
});

test('tiny losses may double and more; numbers of a regression have no scale', () => {
  const losses = [0.01, 0.2, 0.2, 0.3];
  expect(told(losses, 8)).toEqual([]);
  expect(told(losses, 8, false)).toEqual([3]);
});

test('batches that differ by up to three times, with a falling mean, are never told', () => {
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: 1, max: 64 }), (seed, samples) => {
      const random = createRandom(seed);
      const losses = Array.from(
        { length: 200 },
        (_, i) => (1 + 2 * (random.uint32() / 2 ** 32)) * (1 + Math.exp(-i / 30)),
      );
      expect(told(losses, samples)).toEqual([]);
    }),
  );
});

test('an evaluation is held against the one before training', () => {
  const watch = new DivergenceWatch(8, true);
  const see = (step: number, loss: number): boolean => watch.see({ kind: 'eval', step, loss }) !== null;
  expect([see(0, 2), see(10, 1), see(20, 2.9), see(30, 3.1), see(40, 4), see(50, 2.5), see(60, 3.2)]).toEqual([
    ...[false, false, false, true, false, false, true],
  ]);
  expect(watch.now).toEqual({ of: 'eval', before: 2, now: 3.2 });
  expect(watch.evaluations).toEqual({ before: 2, now: 3.2 });
});

test('with an evaluation before training the first step is enough to compare single samples with', () => {
  const watch = new DivergenceWatch(1, true);
  watch.see({ kind: 'eval', step: 0, loss: 1.5 });
  const losses = [1, ...Array<number>(8).fill(9)];
  expect(losses.map((loss, i) => watch.see({ kind: 'train', step: i + 1, loss }) !== null).lastIndexOf(true)).toBe(8);
});
