/** @file Seeded random matrices for tests. */
import { type Matrix, matrix } from '../../../kernels/analysis/linalg/matrix';

/** Uniform in [−1, 1), from a small generator (mulberry32): the same values for the same seed everywhere. */
export function randomMatrix(rows: number, cols: number, seed: number): Matrix {
  const next = uniform(seed);
  return matrix(
    rows,
    cols,
    Array.from({ length: rows * cols }, () => 2 * next() - 1),
  );
}

export function uniform(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The largest difference of two matrices of the same shape. */
export function largestDifference(a: Matrix, b: Matrix): number {
  if (a.rows !== b.rows || a.cols !== b.cols) return NaN;
  return a.data.reduce((most, value, i) => Math.max(most, Math.abs(value - b.data[i]!)), 0);
}

export function identity(size: number): Matrix {
  return matrix(
    size,
    size,
    Array.from({ length: size * size }, (_, i) => (i % (size + 1) === 0 ? 1 : 0)),
  );
}
