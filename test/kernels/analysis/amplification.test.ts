/** @file Amplification where it is known: updates along directions of the base weight. */
import { expect, test } from 'vitest';
import { amplification, projectionNorms, randomFrames } from '../../../kernels/analysis/amplification';
import { multiplyTransposed } from '../../../kernels/analysis/linalg/matrix';
import { thinSvd } from '../../../kernels/analysis/linalg/svd';
import { factoredSvd } from '../../../kernels/analysis/spectrum';
import { identity, largestDifference, randomMatrix, uniform } from './randomMatrix';

const weight = randomMatrix(20, 30, 5);
const own = thinSvd(weight);

test('an update along the third direction of W is measured against the third singular value', () => {
  const direction = (vectors: { data: Float64Array; cols: number }): Float64Array =>
    vectors.data.slice(2 * vectors.cols, 3 * vectors.cols);
  const delta = factoredSvd([
    { a: direction(own.right), b: direction(own.left), rank: 1, scaling: 5, inFeatures: 30, outFeatures: 20 },
  ]);
  const result = amplification(weight, delta, own, [1]);
  const [row] = result.rows;
  expect(result.frobeniusDelta).toBeCloseTo(5, 12);
  expect(row?.projectionOnDelta).toBeCloseTo(own.values[2]!, 12);
  expect(row?.amplification).toBeCloseTo(5 / own.values[2]!, 12);
  expect(row?.projectionOnWeight).toBeCloseTo(own.values[0]!, 12);
});

test('the projection on its own vectors needs only the values', () => {
  const { rows } = amplification(weight, own, own, [1, 4, 20]);
  for (const { projectionOnDelta, projectionOnWeight } of rows)
    expect(projectionOnDelta).toBeCloseTo(projectionOnWeight, 10);
});

test('float32 weights give the same as float64 copies of them', () => {
  const single = { ...weight, data: Float32Array.from(weight.data) };
  const copy = { ...weight, data: Float64Array.from(single.data) };
  expect(projectionNorms(single, own, [2, 7])).toEqual(projectionNorms(copy, own, [2, 7]));
});

test('random frames are orthonormal and unrelated to the weight', () => {
  const next = uniform(1);
  const gaussian = (): number => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  const { left, right } = randomFrames(20, 30, 4, gaussian);
  expect([left.rows, left.cols, right.rows, right.cols]).toEqual([4, 20, 4, 30]);
  for (const frame of [left, right]) {
    expect(largestDifference(multiplyTransposed(frame, frame), identity(4))).toBeLessThan(1e-14);
  }
  expect(projectionNorms(weight, { left, right }, [4])[0]).toBeLessThan(own.values[0]!);
});
