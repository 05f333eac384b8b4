/** @file Decimation keeps what the eye would miss: spikes, ends, gaps. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decimate } from '../../../extension/runs/decimate';

const points = fc
  .array(
    fc.record({
      dx: fc.double({ min: 0, max: 10, noNaN: true }),
      y: fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constant(NaN)),
    }),
    {
      maxLength: 400,
    },
  )
  .map((steps) => {
    let x = 0;
    return { x: Float64Array.from(steps, ({ dx }) => (x += dx)), y: Float64Array.from(steps, ({ y }) => y) };
  });

describe('decimating a curve', () => {
  test('few points are all kept', () => {
    const x = Float64Array.from({ length: 20 }, (_, i) => i);
    expect([...decimate(x, x, 10)]).toEqual([...x]);
  });

  test('no extreme is lost, the ends are kept, and the order stays', () => {
    fc.assert(
      fc.property(points, fc.integer({ min: 1, max: 40 }), ({ x, y }, buckets) => {
        const kept = [...decimate(x, y, buckets)];
        expect(kept).toEqual([...new Set(kept)].sort((a, b) => a - b));
        const finite = [...y].filter(Number.isFinite);
        const keptValues = kept.map((i) => y[i]!).filter(Number.isFinite);
        if (finite.length > 0) {
          expect(Math.max(...keptValues)).toBe(Math.max(...finite));
          expect(Math.min(...keptValues)).toBe(Math.min(...finite));
        }
        if (x.length > 0) expect([kept[0], kept.at(-1)]).toEqual([0, x.length - 1]);
      }),
    );
  });

  test('every bucket keeps its own smallest and largest value', () => {
    fc.assert(
      fc.property(points, fc.integer({ min: 1, max: 40 }), ({ x, y }, buckets) => {
        fc.pre(x.length > 2 * buckets && x.at(-1)! > x[0]!);
        const kept = new Set(decimate(x, y, buckets));
        const width = (x.at(-1)! - x[0]!) / buckets;
        for (let bucket = 0; bucket < buckets; bucket++) {
          const inside = [...x.keys()].filter(
            (i) => Math.min(buckets - 1, Math.floor((x[i]! - x[0]!) / width)) === bucket && Number.isFinite(y[i]),
          );
          if (inside.length === 0) continue;
          const values = inside.filter((i) => kept.has(i)).map((i) => y[i]!);
          expect(Math.max(...values)).toBe(Math.max(...inside.map((i) => y[i]!)));
          expect(Math.min(...values)).toBe(Math.min(...inside.map((i) => y[i]!)));
        }
      }),
    );
  });

  test('the number of points does not grow with the length of the run', () => {
    const x = Float64Array.from({ length: 100_000 }, (_, i) => i);
    const y = x.map((i) => Math.sin(i * 12.9898) * 43758.5453);
    expect(decimate(x, y, 500).length).toBeLessThanOrEqual(2 * 500 + 2);
  });

  test('a gap of missing values stays a gap', () => {
    const x = Float64Array.from({ length: 100 }, (_, i) => i);
    const y = x.map((i) => (i >= 40 && i < 60 ? NaN : i));
    const kept = [...decimate(x, y, 10)];
    expect(kept.some((i) => Number.isNaN(y[i]))).toBe(true);
  });
});
