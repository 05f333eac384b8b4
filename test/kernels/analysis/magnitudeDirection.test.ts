/** @file Changes of magnitude and direction: pure ones, tiny ones, from factors, and their trend. */
import { expect, test } from 'vitest';
import {
  magnitudeDirectionChange,
  magnitudeDirectionTrend,
  rowsWithDelta,
} from '../../../kernels/analysis/magnitudeDirection';
import { type Matrix, multiply, transpose } from '../../../kernels/analysis/linalg/matrix';
import { KernelError } from '../../../kernels/protocol/errors';
import { randomMatrix } from './randomMatrix';

const rowOf =
  (m: Matrix) =>
  (i: number): Float64Array =>
    m.data.subarray(i * m.cols, (i + 1) * m.cols);
const change = (base: Matrix, tuned: Matrix, axis?: 'output-row' | 'input-column') =>
  magnitudeDirectionChange({ rows: base.rows, cols: base.cols, base: rowOf(base), tuned: rowOf(tuned) }, axis);

const base = randomMatrix(5, 7, 1);

test('longer rows change the magnitude alone', () => {
  const tuned = { ...base, data: base.data.map((value) => 1.5 * value) };
  const norms = Array.from({ length: 5 }, (_, i) => Math.hypot(...rowOf(base)(i)));
  const { magnitude, direction } = change(base, tuned);
  expect(magnitude).toBeCloseTo((0.5 * norms.reduce((a, b) => a + b)) / 5, 14);
  expect(direction).toBeCloseTo(0, 15);
});

test('turned rows change the direction alone, also by an angle whose cosine is 1 in float64', () => {
  const plane: Matrix = { rows: 1, cols: 2, data: Float64Array.of(3, 0) };
  for (const angle of [1, 1e-3, 1e-9]) {
    const turned = { ...plane, data: Float64Array.of(3 * Math.cos(angle), 3 * Math.sin(angle)) };
    const { magnitude, direction } = change(plane, turned);
    const expected = 2 * Math.sin(angle / 2) ** 2; // 1 − cos
    expect(Math.abs(direction - expected)).toBeLessThan(1e-12 * expected);
    expect(magnitude).toBeLessThan(1e-15);
  }
});

test('columns are the rows of the transpose', () => {
  const tuned = randomMatrix(5, 7, 2);
  const [columns, rows] = [change(base, tuned, 'input-column'), change(transpose(base), transpose(tuned))];
  expect(columns.magnitude).toBeCloseTo(rows.magnitude, 14);
  expect(columns.direction).toBeCloseTo(rows.direction, 14);
});

test('dead rows count as unchanged, or as fully turned once they live', () => {
  const dead: Matrix = { rows: 2, cols: 2, data: new Float64Array(4) };
  expect(change(dead, dead)).toEqual({ magnitude: 0, direction: 0 });
  expect(change(dead, { ...dead, data: Float64Array.of(0, 2, 0, 0) })).toEqual({ magnitude: 1, direction: 0.5 });
});

test('rows of W + s·B·A come without forming the product', () => {
  const [a, b] = [randomMatrix(3, 7, 3), randomMatrix(5, 3, 4)];
  const product = multiply(b, a);
  const tuned = { ...base, data: base.data.map((value, i) => value + 0.5 * product.data[i]!) };
  const row = rowsWithDelta(rowOf(base), { a: a.data, b: b.data, rank: 3, scaling: 0.5 });
  for (let i = 0; i < 5; i++) row(i).forEach((value, j) => expect(value).toBeCloseTo(tuned.data[i * 7 + j]!, 14));
});

test('the trend of points on a line is that line; equal points have none', () => {
  const points = [1, 2, 4].map((direction) => ({ direction, magnitude: 7 - 3 * direction }));
  const { correlation, slope } = magnitudeDirectionTrend(points);
  expect(correlation).toBeCloseTo(-1, 14);
  expect(slope).toBeCloseTo(-3, 13);
  expect(() => magnitudeDirectionTrend([points[0]!, points[0]!])).toThrow(KernelError);
});
