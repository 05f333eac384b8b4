/** @file Thin QR for tall, wide and singular matrices. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { householderQr } from '../../../../kernels/analysis/linalg/householderQr';
import { multiply, multiplyTransposed, transpose, zeros } from '../../../../kernels/analysis/linalg/matrix';
import { identity, largestDifference, randomMatrix } from '../randomMatrix';

test('Q has orthonormal columns, R is triangular, and their product is the matrix', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 1, max: 20 }),
      fc.nat(),
      fc.boolean(),
      (m, n, seed, isSingular) => {
        const a = randomMatrix(m, n, seed);
        if (isSingular) for (let i = 0; i < m; i++) a.data[i * n + (n - 1)] = a.data[i * n]!;
        const { r, timesQ } = householderQr(transpose(a));
        const k = Math.min(m, n);
        const columnsOfQ = timesQ(identity(k));
        expect([columnsOfQ.rows, columnsOfQ.cols, r.rows, r.cols]).toEqual([k, m, k, n]);
        expect(largestDifference(multiplyTransposed(columnsOfQ, columnsOfQ), identity(k))).toBeLessThan(1e-14);
        expect(largestDifference(multiply(transpose(columnsOfQ), r), a)).toBeLessThan(1e-14);
        for (let i = 0; i < k; i++) for (let j = 0; j < i; j++) expect(r.data[i * n + j]).toBe(0);
      },
    ),
  );
});

test('a matrix of zeros gives R = 0', () => {
  const { r, timesQ } = householderQr(zeros(3, 5));
  expect(r).toEqual(zeros(3, 3));
  expect(largestDifference(timesQ(identity(3)), { ...zeros(3, 5), data: identity(5).data.slice(0, 15) })).toBe(0);
});
