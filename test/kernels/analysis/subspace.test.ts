/** @file The grid of subspace similarities: its limits, its definition, its random baseline. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Matrix, multiplyTransposed } from '../../../kernels/analysis/linalg/matrix';
import { thinSvd } from '../../../kernels/analysis/linalg/svd';
import { randomSimilarity, subspaceSimilarity } from '../../../kernels/analysis/subspace';
import { randomMatrix } from './randomMatrix';

const frame = (count: number, dimension: number, seed: number): Matrix =>
  thinSvd(randomMatrix(count, dimension, seed)).right;

test('each cell is the squared norm of the products of the leading vectors', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 6 }), fc.nat(), (r1, r2, seed) => {
      const [u, v] = [frame(r1, 12, seed), frame(r2, 12, seed + 1)];
      const grid = subspaceSimilarity(u, v);
      const leading = (m: Matrix, rows: number): Matrix => ({ ...m, rows, data: m.data.slice(0, rows * m.cols) });
      for (let i = 1; i <= r1; i++) {
        for (let j = 1; j <= r2; j++) {
          const overlaps = multiplyTransposed(leading(u, i), leading(v, j)).data;
          const phi = overlaps.reduce((sum, x) => sum + x * x, 0) / Math.min(i, j);
          expect(grid.data[(i - 1) * r2 + j - 1]).toBeCloseTo(phi, 12);
          expect(phi).toBeLessThan(1 + 1e-12);
        }
      }
    }),
    { numRuns: 50 },
  );
});

test('a subspace is inside itself and orthogonal to its complement', () => {
  const all = frame(8, 8, 4);
  const half = (from: number): Matrix => ({ rows: 4, cols: 8, data: all.data.slice(from * 8, (from + 4) * 8) });
  const same = subspaceSimilarity(half(0), half(0));
  for (let i = 0; i < 4; i++) for (let j = 0; j < 4; j++) expect(same.data[4 * i + j]).toBeCloseTo(1, 12);
  expect(Math.max(...subspaceSimilarity(half(0), half(4)).data)).toBeLessThan(1e-25);
});

test('random subspaces come out at the baseline on average', () => {
  const sum = new Float64Array(4 * 6);
  const repeats = 60;
  for (let seed = 0; seed < repeats; seed++) {
    subspaceSimilarity(frame(4, 40, seed), frame(6, 40, 1000 + seed)).data.forEach(
      (value, i) => (sum[i]! += value / repeats),
    );
  }
  expect(sum[23]).toBeGreaterThan(0.8 * randomSimilarity(4, 6, 40));
  expect(sum[23]).toBeLessThan(1.2 * randomSimilarity(4, 6, 40));
});
