import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bucketLength, collate, epochBatches, splitForEvaluation } from '../../../kernels/data/batches';

const lengths = Int32Array.from({ length: 103 }, (_, i) => ((i * 37) % 60) + 3);
const options = { batchSize: 8, shuffle: true, groupByLength: true, seed: 42, epoch: 0 };
const flat = (batches: readonly Int32Array[]) => batches.flatMap((b) => [...b]);
const sorted = (numbers: readonly number[]) => [...numbers].sort((a, b) => a - b);
const all = [...lengths.keys()];

describe('the batches of an epoch', () => {
  test('follow the file when neither shuffled nor grouped', () => {
    const batches = epochBatches(lengths, { ...options, shuffle: false, groupByLength: false });
    expect(flat(batches)).toEqual(all);
    expect(batches.map((b) => b.length)).toEqual([...new Array<number>(12).fill(8), 7]);
  });

  test('hold every sample once, whatever the options', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 900 }), { maxLength: 300 }),
        fc.integer({ min: 1, max: 9 }),
        fc.boolean(),
        fc.boolean(),
        (sizes, batchSize, shuffle, groupByLength) => {
          const batches = epochBatches(Int32Array.from(sizes), { ...options, batchSize, shuffle, groupByLength });
          expect(sorted(flat(batches))).toEqual([...sizes.keys()]);
          expect(batches.every((b) => b.length > 0 && b.length <= batchSize)).toBe(true);
          expect(batches.length).toBe(Math.ceil(sizes.length / batchSize));
          const longest = sizes.reduce((a, b) => Math.max(a, b), 0);
          if (groupByLength && sizes.length > 0) expect(sizes[batches[0]?.[0] ?? -1]).toBe(longest);
        },
      ),
    );
  });

  test('depend on seed and epoch and on nothing else', () => {
    const order = (change: object) => flat(epochBatches(lengths, { ...options, ...change }));
    expect(order({})).toEqual(order({}));
    expect(order({ epoch: 1 })).not.toEqual(order({}));
    expect(order({ seed: 1 })).not.toEqual(order({}));
    expect(order({ shuffle: false })).toEqual(order({ shuffle: false, seed: 1, epoch: 1 }));
  });

  test('keep their order, because resumed runs depend on it', () => {
    const few = Int32Array.from([5, 9, 3, 7, 7, 2, 8]);
    const batches = epochBatches(few, { ...options, batchSize: 2 });
    expect(batches.map((b) => [...b])).toMatchInlineSnapshot(`
      [
        [
          1,
          2,
        ],
        [
          6,
          3,
        ],
        [
          5,
        ],
        [
          4,
          0,
        ],
      ]
    `);
  });

  test('need less padding when grouped by length', () => {
    const padded = (groupByLength: boolean) =>
      epochBatches(lengths, { ...options, groupByLength }).reduce(
        (sum, batch) => sum + batch.length * Math.max(...batch.map((i) => lengths[i] ?? 0)),
        0,
      );
    expect(padded(true)).toBeLessThan(0.8 * padded(false));
  });
});

test('samples for evaluation are chosen by the seed, in order, at least one and never all', () => {
  const { train, evaluation } = splitForEvaluation(50, 0.1, 7);
  expect(evaluation.length).toBe(5);
  expect(sorted([...train, ...evaluation])).toEqual(sorted([...Array(50).keys()]));
  expect([...train]).toEqual(sorted([...train]));
  expect(splitForEvaluation(50, 0.1, 7)).toEqual({ train, evaluation });
  expect(splitForEvaluation(50, 0.1, 8)).not.toEqual({ train, evaluation });
  expect(splitForEvaluation(3, 0.001, 7).evaluation.length).toBe(1);
  expect(splitForEvaluation(3, 0.999, 7).train.length).toBe(1);
  expect(() => splitForEvaluation(1, 0.5, 7)).toThrow(/has 1 sample that can be trained on; data.eval_fraction needs/);
});

describe('a batch', () => {
  const sample = (ids: number[], mask: number[]) => ({ ids: Int32Array.from(ids), lossMask: Uint8Array.from(mask) });

  test('is padded on the right and names the positions whose next token carries loss', () => {
    const batch = collate([sample([5, 6, 7, 8], [0, 0, 1, 1]), sample([9, 4], [1, 1])], { padId: 3, maxLength: 6 });
    expect(batch).toEqual({
      batch: 2,
      length: 6,
      inputIds: Int32Array.from([5, 6, 7, 8, 3, 3, 9, 4, 3, 3, 3, 3]),
      rows: Int32Array.from([1, 2, 6]),
      labels: Int32Array.from([7, 8, 4]),
      tokens: 6,
    });
  });

  test('has one of few lengths, none much longer than its samples', () => {
    const buckets = new Set<number>();
    for (let n = 1; n <= 4096; n++) {
      const bucket = bucketLength(n, 4096);
      expect(bucket).toBeGreaterThanOrEqual(n);
      if (n > 64) expect(bucket).toBeLessThan(1.25 * n);
      buckets.add(bucket);
    }
    expect([...buckets].slice(0, 18)).toEqual([
      16, 32, 48, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 640, 768,
    ]);
    expect(bucketLength(130, 140)).toBe(140);
    expect(() => bucketLength(141, 140)).toThrow(/141 tokens/);
  });
});
