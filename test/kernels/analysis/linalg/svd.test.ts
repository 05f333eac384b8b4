/** @file Both decompositions: they reconstruct, are orthonormal, and agree with each other and with known values. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { jacobiSvd } from '../../../../kernels/analysis/linalg/jacobiSvd';
import {
  frobeniusNorm,
  type Matrix,
  matrix,
  multiply,
  multiplyTransposed,
  transpose,
  zeros,
} from '../../../../kernels/analysis/linalg/matrix';
import { singularValues, type Svd, thinSvd } from '../../../../kernels/analysis/linalg/svd';
import { bidiagonalSingularValues } from '../../../../kernels/analysis/linalg/bidiagonalQr';
import { KernelError } from '../../../../kernels/protocol/errors';
import { identity, largestDifference, randomMatrix, uniform } from '../randomMatrix';

/** Throws unless U·Σ·Vᵀ = a, with orthonormal vectors and sorted values, up to `tolerance` times the largest value. */
function expectDecomposes(a: Matrix, { values, left, right }: Svd, tolerance = 1e-13): void {
  const count = Math.min(a.rows, a.cols);
  expect([values.length, left.rows, left.cols, right.rows, right.cols]).toEqual([count, count, a.rows, count, a.cols]);
  expect([...values]).toEqual([...values].sort((x, y) => y - x));
  expect(Math.min(0, ...values)).toBe(0);
  expect(largestDifference(multiplyTransposed(left, left), identity(count))).toBeLessThan(1e-13);
  expect(largestDifference(multiplyTransposed(right, right), identity(count))).toBeLessThan(1e-13);
  const scaled = transpose(left);
  scaled.data.forEach((value, i) => (scaled.data[i] = value * values[i % count]!));
  expect(largestDifference(multiply(scaled, right), a)).toBeLessThanOrEqual(tolerance * (values[0] ?? 0));
}

const decompositions = { jacobiSvd, thinSvd };

describe.each(Object.entries(decompositions))('%s', (_, decompose) => {
  test('any matrix is decomposed', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 30 }), fc.nat(), (rows, cols, seed) => {
        const a = randomMatrix(rows, cols, seed);
        expectDecomposes(a, decompose(a));
      }),
      { numRuns: 60 },
    );
  });

  test.each([
    [40, 40],
    [60, 41],
    [90, 30],
    [30, 90],
    [29, 31],
  ])('a matrix [%i, %i] is decomposed', (rows, cols) => {
    const a = randomMatrix(rows, cols, 7);
    expectDecomposes(a, decompose(a));
  });

  test('blocks of equal rows and columns, whose rounding errors are all that is left to decompose', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 4, max: 40 }),
        fc.integer({ min: 4, max: 40 }),
        fc.nat(),
        (size, rows, cols, seed) => {
          const core = randomMatrix(size, size, seed);
          const a = zeros(rows, cols);
          a.data.forEach((_value, at) => {
            const [row, col] = [Math.floor(at / cols), at % cols];
            a.data[at] = core.data[Math.floor((row * size) / rows) * size + (col % size)]!;
          });
          expectDecomposes(a, decompose(a));
        },
      ),
      { numRuns: 200 },
    );
  });

  test.each([5, 40])('rank 3 of %i leaves zeros, and vectors that are still orthonormal', (size) => {
    const a = multiply(randomMatrix(size, 3, 1), randomMatrix(3, size, 2));
    const svd = decompose(a);
    expectDecomposes(a, svd);
    expect(svd.values.filter((value) => value > 1e-13 * svd.values[0]!)).toHaveLength(3);
  });

  test.each([3, 30])('zeros, the identity and a permutation of size %i', (size) => {
    expectDecomposes(zeros(size, size + 2), decompose(zeros(size, size + 2)));
    expectDecomposes(identity(size), decompose(identity(size)));
    const turned = matrix(
      size,
      size,
      [...identity(size).data].map((_, i, all) => -all[(i + size) % all.length]!),
    );
    expectDecomposes(turned, decompose(turned));
    expect([...decompose(turned).values].every((value) => Math.abs(value - 1) < 1e-14)).toBe(true);
  });
});

test('both methods agree, with and without vectors', () => {
  for (const [rows, cols] of [
    [70, 60],
    [33, 80],
    [26, 26],
    [100, 25],
  ] as const) {
    const a = randomMatrix(rows, cols, rows);
    const [plain, gk, jacobi] = [singularValues(a), thinSvd(a).values, jacobiSvd(a).values];
    const worst = plain.reduce((most, v, i) => Math.max(most, Math.abs(v - gk[i]!), Math.abs(v - jacobi[i]!)), 0);
    expect(worst).toBeLessThan(1e-13 * plain[0]!);
    expect(Math.abs(Math.hypot(...plain) - frobeniusNorm(a))).toBeLessThan(1e-13 * plain[0]!);
  }
});

test('the values of the Hilbert matrix of order 3 are those of the books', () => {
  const hilbert = matrix(3, 3, [1, 1 / 2, 1 / 3, 1 / 2, 1 / 3, 1 / 4, 1 / 3, 1 / 4, 1 / 5]);
  const known = [1.4083189271236538, 0.12232706585390584, 0.0026873403557735];
  for (const values of [singularValues(hilbert), jacobiSvd(hilbert).values]) {
    known.forEach((value, i) => expect(Math.abs(values[i]! - value)).toBeLessThan(1e-15));
  }
});

test('values and vectors scale with the matrix from 1e-300 to 1e300', () => {
  const a = randomMatrix(30, 28, 3);
  const plain = singularValues(a);
  for (const scale of [1e-300, 1e-150, 1e150, 1e300]) {
    const scaled = { ...a, data: a.data.map((value) => value * scale) };
    for (const values of [singularValues(scaled), thinSvd(scaled).values]) {
      plain.forEach((value, i) => expect(Math.abs(values[i]! / scale - value)).toBeLessThan(1e-13 * plain[0]!));
    }
  }
});

test('values that are not finite are refused', () => {
  for (const [decompose, value] of [
    [singularValues, NaN],
    [thinSvd, Infinity],
    [jacobiSvd, NaN],
  ] as const) {
    const a = randomMatrix(30, 30, 1);
    a.data[17] = value;
    expect(() => decompose(a)).toThrow(expect.toSatisfy((e) => KernelError.is(e, 'runtime/failed')) as Error);
  }
});

describe('bidiagonal matrices', () => {
  const dense = (diagonal: ArrayLike<number>, upper: ArrayLike<number>): Matrix => {
    const n = diagonal.length;
    const out = zeros(n, n);
    for (let i = 0; i < n; i++) {
      out.data[i * n + i] = diagonal[i]!;
      if (i + 1 < n) out.data[i * n + i + 1] = upper[i]!;
    }
    return out;
  };
  const next = uniform(11);
  const random = (n: number, of: (i: number) => number): Float64Array =>
    Float64Array.from({ length: n }, (_, i) => of(i));
  test.each<[string, Float64Array, Float64Array]>([
    ['random', random(40, next), random(39, next)],
    ['falling by twelve orders', random(40, (i) => 10 ** (-i * 0.3)), random(39, (i) => 10 ** (-i * 0.3) * next())],
    ['rising by twelve orders', random(40, (i) => 10 ** ((i - 40) * 0.3)), random(39, (i) => 10 ** ((i - 40) * 0.3))],
    ['zeros on the diagonal', random(20, (i) => (i % 3 === 0 ? 0 : 1)), random(19, () => 1)],
    ['zero at the end', random(5, (i) => (i === 4 ? 0 : 1)), random(4, () => 1)],
    ['nothing on the diagonal', new Float64Array(6), random(5, () => 1)],
    ['nothing beside the diagonal', random(6, (i) => i - 3), new Float64Array(5)],
    ['all equal', random(30, () => 1), random(29, () => 1)],
    ['one value', Float64Array.of(-2), new Float64Array(0)],
  ])('%s', (_, diagonal, upper) => {
    const values = [...bidiagonalSingularValues({ diagonal, upper })].map(Math.abs).sort((a, b) => b - a);
    const reference = jacobiSvd(dense(diagonal, upper)).values;
    values.forEach((value, i) =>
      expect(Math.abs(value - reference[i]!)).toBeLessThan(2e-14 * Math.max(1, reference[0]!)),
    );
  });
});
