/** @file What is a loss spike and what is not. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LossSpikeDetector, median } from '../../../kernels/trainer/lossSpike';
import { createRandom } from '../../../kernels/util/random';

/** A falling curve with noise of ± 10 %. */
const curve = (steps: number, seed = 1): number[] => {
  const random = createRandom(seed);
  return Array.from(
    { length: steps },
    (_, i) => (2 + 4 * Math.exp(-i / 60)) * (0.9 + 0.2 * (random.uint32() / 2 ** 32)),
  );
};
/** Steps, counted from 1, at which a spike was seen. */
const spikes = (losses: readonly number[], sigma = 6): number[] => {
  const detector = new LossSpikeDetector(sigma);
  return losses.flatMap((loss, i) => (detector.see(i + 1, loss) === null ? [] : [i + 1]));
};

test('a noisy falling curve has none, whatever the noise', () => {
  fc.assert(
    fc.property(fc.nat(), (seed) => {
      expect(spikes(curve(300, seed))).toEqual([]);
    }),
  );
});

test('one step of three times the loss is one, and says what it was compared with', () => {
  const losses = curve(100);
  losses[79] = 3 * (losses[79] ?? 0);
  expect(spikes(losses)).toEqual([80]);
  const detector = new LossSpikeDetector(6);
  const said = losses.map((loss, i) => detector.see(i + 1, loss)).find((text) => text !== null);
  expect(said).toMatch(/^the loss of step 80 is \d\.\d+; the 50 steps before had \d\.\d+ ± 0\.\d+$/);
});

test('a spike that takes some steps to come down is said once; a later one again', () => {
  const losses = curve(200);
  for (const from of [79, 149]) for (let i = 0; i < 5; i++) losses[from + i] = 12 - i;
  expect(spikes(losses)).toEqual([80, 150]);
});

test('losses that hardly differ make no spike of a small rise', () => {
  const losses = Array.from({ length: 60 }, (_, i) => 2 + 1e-6 * (i % 3));
  losses[50] = 2.9;
  expect(spikes(losses)).toEqual([]);
  losses[50] = 3.1;
  expect(spikes(losses)).toEqual([51]);
});

test('the first steps are not judged, and 0 judges none', () => {
  const losses = curve(60);
  losses[10] = 100;
  expect(spikes(losses)).toEqual([]);
  losses[50] = 100;
  expect(spikes(losses)).toEqual([51]);
  expect(spikes(losses, 0)).toEqual([]);
});

test('the median is the middle value, or between the two', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
});
