/** @file The first singular values and vectors against the whole decomposition. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { leadingSvd } from '../../../../kernels/analysis/linalg/leadingSvd';
import type { Matrix } from '../../../../kernels/analysis/linalg/matrix';
import { identity, matrix, multiply, multiplyTransposed, transpose } from '../../../../kernels/analysis/linalg/matrix';
import { thinSvd } from '../../../../kernels/analysis/linalg/svd';
import { orthonormalRows } from '../../../../kernels/trainer/factorValues';
import { createRandom } from '../../../../kernels/util/random';
import { randomValues } from '../../../support/tinyModel';

/** [rows, cols] with the given values. */
function withValues(rows: number, cols: number, values: readonly number[], seed = 1): Matrix {
  const random = createRandom(seed, 0);
  const uniform = (): number => random.uint32() * 2 ** -32;
  const left = orthonormalRows(values.length, rows, uniform);
  left.data.forEach((v, i) => (left.data[i] = v * (values[Math.floor(i / rows)] ?? NaN)));
  return multiply(transpose(left), orthonormalRows(values.length, cols, uniform));
}

/** Σ σ·u·vᵀ over the first vectors. */
function product({ values, left, right }: ReturnType<typeof thinSvd>, count: number): Float64Array {
  const scaled = matrix(count, left.cols, left.data.subarray(0, count * left.cols));
  scaled.data.forEach((v, i) => (scaled.data[i] = v * (values[Math.floor(i / left.cols)] ?? NaN)));
  return multiply(transpose(scaled), matrix(count, right.cols, right.data.subarray(0, count * right.cols))).data;
}

const furthest = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((most, v, i) => Math.max(most, Math.abs(v - (b[i] ?? NaN))), 0);

function expectLeading(a: Matrix, count: number): void {
  const [found, whole] = [leadingSvd(a, count), thinSvd(a)];
  const largest = whole.values[0] ?? 0;
  expect(found.values).toHaveLength(count);
  expect(furthest(found.values, whole.values.slice(0, count))).toBeLessThanOrEqual(1e-10 * largest);
  for (const vectors of [found.left, found.right]) {
    expect(furthest(multiplyTransposed(vectors, vectors).data, identity(count).data)).toBeLessThan(1e-10);
  }
  // The part that is taken out is the same, and so are the single vectors but for their sign.
  expect(furthest(product(found, count), product(whole, count))).toBeLessThan(1e-7 * largest);
}

describe('the first singular values and vectors', () => {
  it('are those of the whole decomposition, for matrices of any shape', () => {
    const shapes = fc.record({
      rows: fc.integer({ min: 1, max: 180 }),
      cols: fc.integer({ min: 1, max: 180 }),
      share: fc.double({ min: 0, max: 0.3, noNaN: true }),
      seed: fc.integer({ min: 0, max: 1000 }),
    });
    fc.assert(
      fc.property(shapes, ({ rows, cols, share, seed }) => {
        const count = Math.max(1, Math.floor(share * Math.min(rows, cols)));
        expectLeading(matrix(rows, cols, randomValues([rows, cols], seed)), count);
      }),
      { numRuns: 25 },
    );
  });

  it('are told apart where they lie close together', () => {
    const values = Array.from({ length: 130 }, (_, i) => 2 - 1e-3 * i);
    expectLeading(withValues(150, 130, values), 8);
  });

  it('are all there where some are equal, or fewer than are asked for are above zero', () => {
    expectLeading(withValues(140, 120, [5, 5, 5, 4, ...Array.from({ length: 100 }, (_, i) => 3 - 0.02 * i)]), 4);
    for (const a of [identity(130), withValues(120, 140, [3, 2, 1]), withValues(200, 100, [0])]) {
      const { values } = leadingSvd(a, 8);
      expect(furthest(values, thinSvd(a).values.slice(0, 8))).toBeLessThan(1e-10);
    }
  });

  it('have the sign that makes the largest element of the right vector positive, whichever way they were found', () => {
    const wide = matrix(120, 300, randomValues([120, 300], 5));
    for (const [a, count] of [
      [wide, 4],
      [wide, 60],
      [transpose(wide), 4],
    ] as const) {
      const { values, left, right } = leadingSvd(a, count);
      for (let i = 0; i < count; i++) {
        const row = right.data.subarray(i * right.cols, (i + 1) * right.cols);
        expect(Math.max(...row)).toBe(Math.max(...row.map(Math.abs)));
      }
      expect(
        furthest(
          multiplyTransposed(right, a).data,
          left.data.map((v, i) => v * (values[Math.floor(i / left.cols)] ?? NaN)),
        ),
      ).toBeLessThan(1e-7);
    }
  });

  it('of values that are not finite are refused', () => {
    expect(() => leadingSvd(matrix(100, 100, new Float64Array(10_000).fill(NaN)), 2)).toThrow(/holds NaN/);
  });
});
