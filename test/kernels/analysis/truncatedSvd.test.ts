/** @file Truncated decompositions: the error is the tail of the spectrum, energies are counted right, large matrices agree. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  dot,
  multiply,
  multiplyTransposed,
  type Matrix,
  transpose,
  zeros,
} from '../../../kernels/analysis/linalg/matrix';
import { singularValues } from '../../../kernels/analysis/linalg/svd';
import { rankForEnergy, truncatedSvd, type TruncatedSvd } from '../../../kernels/analysis/linalg/truncatedSvd';
import { randomMatrix } from './randomMatrix';

/** ‖a − Σ_{i < rank} σᵢ·uᵢ·vᵢᵀ‖_F */
function errorOf(a: Matrix, { values, left, right }: TruncatedSvd, rank: number): number {
  const rest = a.data.slice();
  for (let k = 0; k < rank; k++) {
    for (let i = 0; i < a.rows; i++) {
      const factor = values[k]! * left.data[k * a.rows + i]!;
      for (let j = 0; j < a.cols; j++) rest[i * a.cols + j]! -= factor * right.data[k * a.cols + j]!;
    }
  }
  return Math.sqrt(dot(rest, rest));
}

const tailOf = (values: Float64Array, rank: number): number => Math.hypot(...values.slice(rank));

/** A matrix with singular values that fall as told. */
function withSpectrum(rows: number, cols: number, value: (i: number) => number, seed: number): Matrix {
  const core = zeros(rows, cols);
  for (let i = 0; i < Math.min(rows, cols); i++) core.data[i * cols + i] = value(i);
  // Reflections keep the singular values: H = I − 2·v·vᵀ/‖v‖².
  const reflect = (m: Matrix, v: Float64Array): Matrix => {
    const norm = dot(v, v);
    const out = { ...m, data: m.data.slice() };
    for (let row = 0; row < m.rows; row++) {
      const line = out.data.subarray(row * m.cols, (row + 1) * m.cols);
      const factor = (2 * dot(line, v)) / norm;
      for (let j = 0; j < m.cols; j++) line[j]! -= factor * v[j]!;
    }
    return out;
  };
  const right = reflect(reflect(core, randomMatrix(1, cols, seed).data), randomMatrix(1, cols, seed + 1).data);
  return transpose(reflect(transpose(right), randomMatrix(1, rows, seed + 2).data));
}

test('what is cut off is the tail of the spectrum', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 30 }),
      fc.integer({ min: 1, max: 30 }),
      fc.integer({ min: 1, max: 30 }),
      fc.nat(),
      (rows, cols, rank, seed) => {
        const a = randomMatrix(rows, cols, seed);
        const all = singularValues(a);
        const found = truncatedSvd(a, { rank });
        expect(found.how).toBe('exact');
        const kept = Math.min(rank, all.length);
        expect(Math.abs(errorOf(a, found, kept) - tailOf(all, kept))).toBeLessThan(1e-12 * (1 + all[0]!));
      },
    ),
    { numRuns: 50 },
  );
});

test.each([
  ['falls fast', (i: number) => 0.8 ** i, 1e-9],
  ['falls slowly', (i: number) => 1 / (1 + i), 1e-4],
  ['has a plateau behind a few', (i: number) => (i < 6 ? 10 - i : 0.3), 1e-4],
])('randomised, it comes as near as the best of its rank where the spectrum %s', (_, value, excess) => {
  for (const [rows, cols] of [
    [160, 230],
    [300, 140],
  ] as const) {
    const a = withSpectrum(rows, cols, value, 3);
    const all = singularValues(a);
    const found = truncatedSvd(a, { rank: 8 });
    expect(found.how).toBe('randomised');
    const best = tailOf(all, 8);
    const error = errorOf(a, found, 8);
    expect(error).toBeGreaterThan(best * (1 - 1e-9));
    expect(error).toBeLessThan(best * (1 + excess) + 1e-12);
    const overlap = multiplyTransposed(found.right, found.right);
    overlap.data.forEach((v, i) => expect(Math.abs(v - (i % (overlap.cols + 1) === 0 ? 1 : 0))).toBeLessThan(1e-12));
  }
});

test('as much as holds the energy, and no more', () => {
  const a = withSpectrum(200, 180, (i) => 0.9 ** i, 7);
  const total = dot(a.data, a.data);
  for (const energy of [0.5, 0.9, 0.999]) {
    const found = truncatedSvd(a, { energy });
    const rank = rankForEnergy(found.values, energy, total);
    // Σ_{i<r} 0.81ⁱ / Σ 0.81ⁱ = 1 − 0.81ʳ.
    expect(rank).toBe(Math.ceil(Math.log(1 - energy) / Math.log(0.81)));
    expect(errorOf(a, found, rank) ** 2 / total).toBeLessThanOrEqual(1 - energy + 1e-12);
  }
});

test('of a matrix of zeros nothing is needed', () => {
  const a = zeros(150, 120);
  const { values } = truncatedSvd(a, { energy: 0.9 });
  expect(rankForEnergy(values, 0.9, 0)).toBe(0);
  expect(Math.max(...values)).toBe(0);
});

test('the whole energy is all that is not rounding', () => {
  const a = multiply(randomMatrix(130, 5, 1), randomMatrix(5, 140, 2));
  const found = truncatedSvd(a, { energy: 1 });
  expect(rankForEnergy(found.values, 1, dot(a.data, a.data))).toBe(5);
});

test('a share that needs many values is reached from one count of them, without a larger rank than needed', () => {
  const a = withSpectrum(180, 240, (i) => 1 / (1 + i / 8), 5);
  const total = dot(a.data, a.data);
  for (const energy of [0.3, 0.6, 0.95]) {
    const found = truncatedSvd(a, { energy });
    const rank = rankForEnergy(singularValues(a), energy, total);
    expect(rankForEnergy(found.values, energy, total)).toBe(rank);
    expect(errorOf(a, found, rank)).toBeCloseTo(tailOf(singularValues(a), rank), 5);
  }
});
