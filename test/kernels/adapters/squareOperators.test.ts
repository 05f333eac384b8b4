/** @file MoRA's operators: the released code's numbers, the delta weight against the forward pass, spectra in closed form. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { squareCores } from '../../../kernels/adapters/squareCores';
import type { MoraType } from '../../../kernels/adapters/squareOperators';
import { MORA_TYPES, squareDelta, squareForward } from '../../../kernels/adapters/squareOperators';
import { matrix } from '../../../kernels/analysis/linalg/matrix';
import { singularValues } from '../../../kernels/analysis/linalg/svd';
import { coreSingularValues } from '../../../kernels/analysis/spectrum';
import { f32, Graph } from '../../../kernels/graph/graph';
import { programOf } from '../../../kernels/graph/program';
import { evaluateProgram } from '../../../kernels/runtime/reference';
import { randomValues } from '../../support/tinyModel';

interface Shape {
  readonly type: MoraType;
  readonly size: number;
  readonly input: number;
  readonly output: number;
}

function deltaOf({ type, size, input, output }: Shape, m: ArrayLike<number>): Float64Array {
  const graph = new Graph();
  const delta = squareDelta(graph.input('m', f32(size, size)), input, output, type);
  expect(delta.type.shape).toEqual([output, input]);
  return evaluateProgram(programOf({ delta }), { m }).get('delta')?.data ?? new Float64Array();
}

function outputOf({ type, size, output }: Shape, m: ArrayLike<number>, x: ArrayLike<number>): Float64Array {
  const graph = new Graph();
  const values = { x: graph.input('x', f32(1, x.length)), m: graph.input('m', f32(size, size)) };
  const y = squareForward(values.x, values.m, output, type);
  return evaluateProgram(programOf({ y }), { m, x }).get('y')?.data ?? new Float64Array();
}

/** M[i][j] = 4i + j + 1, x = 1 … 6. */
const M = Array.from({ length: 16 }, (_, i) => i + 1);
const X = [1, 2, 3, 4, 5, 6];

describe('the released operators', () => {
  it.each([
    [
      1,
      [
        [4, 6, 3, 4, 1, 2],
        [12, 14, 7, 8, 5, 6],
        [20, 22, 11, 12, 9, 10],
        [28, 30, 15, 16, 13, 14],
        [4, 6, 3, 4, 1, 2],
      ],
    ],
    [
      2,
      [
        [1, 1, 2, 2, 3, 4],
        [1, 1, 2, 2, 3, 4],
        [5, 5, 6, 6, 7, 8],
        [9, 9, 10, 10, 11, 12],
        [13, 13, 14, 14, 15, 16],
      ],
    ],
    [
      3,
      [
        [1, 1, 2, 2, 3, 4],
        [5, 5, 6, 6, 7, 8],
        [9, 9, 10, 10, 11, 12],
        [13, 13, 14, 14, 15, 16],
        [1, 1, 2, 2, 3, 4],
      ],
    ],
    [
      4,
      [
        [4, 6, 3, 4, 1, 2],
        [4, 6, 3, 4, 1, 2],
        [12, 14, 7, 8, 5, 6],
        [20, 22, 11, 12, 9, 10],
        [28, 30, 15, 16, 13, 14],
      ],
    ],
  ] as const)('give the delta weight of type %i', (type, rows) => {
    const shape = { type, size: 4, input: 6, output: 5 };
    expect([...deltaOf(shape, M)]).toEqual(rows.flat());
  });

  it.each([
    [1, [58, 154, 250, 346, 58]],
    [2, [56, 56, 140, 224, 308]],
    [3, [56, 140, 224, 308, 56]],
    [4, [58, 58, 154, 250, 346]],
    [6, [30, 70, 110, 150, 36.302009]],
  ] as const)('give the output of type %i', (type, wanted) => {
    const y = outputOf({ type, size: 4, input: 6, output: 5 }, M, X);
    wanted.forEach((value, i) => expect(y[i]).toBeCloseTo(value, 5));
  });

  it('repeat all blocks of type 6 for outputs beyond them', () => {
    const delta = deltaOf({ type: 6, size: 4, input: 6, output: 9 }, M);
    const row = (i: number): number[] => [...delta.subarray(i * 6, i * 6 + 6)];
    [-1.629913, 11.899402, 0, 0, 14.118902, 10.119498].forEach((v, j) => expect(row(6)[j]).toBeCloseTo(v, 5));
    expect(row(8)).toEqual([1, 2, 3, 4, 0, 0]);
  });
});

const shapes: fc.Arbitrary<Shape> = fc
  .record({
    type: fc.constantFrom(...MORA_TYPES),
    size: fc.integer({ min: 1, max: 14 }),
    input: fc.integer({ min: 1, max: 24 }),
    output: fc.integer({ min: 1, max: 24 }),
  })
  .filter(({ type, size }) => type !== 6 || size % 2 === 0)
  .filter(({ type, size, input, output }) => type !== 'truncate' || size <= Math.min(input, output));

it('the delta weight is the map of the forward pass, whatever divides what', () => {
  fc.assert(
    fc.property(shapes, fc.integer({ min: 0, max: 1e6 }), (shape, seed) => {
      const m = randomValues([shape.size, shape.size], seed);
      const x = randomValues([shape.input], seed + 1);
      const delta = deltaOf(shape, m);
      const y = outputOf(shape, m, x);
      for (let i = 0; i < shape.output; i++) {
        let sum = 0;
        for (let j = 0; j < shape.input; j++) sum += delta[i * shape.input + j]! * x[j]!;
        expect(Math.abs(y[i]! - sum)).toBeLessThan(1e-9);
      }
    }),
    { numRuns: 300 },
  );
});

it('the small matrices have the singular values of the delta weight', () => {
  fc.assert(
    fc.property(shapes, fc.integer({ min: 0, max: 1e6 }), (shape, seed) => {
      const m = randomValues([shape.size, shape.size], seed);
      const cores = squareCores(m, shape.size, shape.input, shape.output, shape.type);
      const values = coreSingularValues(cores ?? []);
      const wanted = singularValues(matrix(shape.output, shape.input, deltaOf(shape, m)));
      const scale = wanted[0] ?? 0;
      const count = Math.max(values.length, wanted.length);
      for (let i = 0; i < count; i++) {
        expect(Math.abs((values[i] ?? 0) - (wanted[i] ?? 0))).toBeLessThan(1e-6 * (1 + scale));
      }
    }),
    { numRuns: 300 },
  );
});
