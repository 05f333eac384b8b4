/** @file MoRA through the merged weight computes what its operators on every token compute, gradients included. */
import { expect, it } from 'vitest';
import { foldedLinear, isFoldedCheaper } from '../../../kernels/adapters/squareFolded';
import { MORA_TYPES, squareForward } from '../../../kernels/adapters/squareOperators';
import { grad } from '../../../kernels/graph/grad';
import { f32, Graph, sizeOf, type Value } from '../../../kernels/graph/graph';
import { add, linear, mul, sumAll } from '../../../kernels/graph/ops';
import { programOf } from '../../../kernels/graph/program';
import { evaluateProgram } from '../../../kernels/runtime/reference';

const SHAPES = [
  { input: 12, out: 12, size: 4 },
  { input: 13, out: 7, size: 4 },
  { input: 7, out: 19, size: 4 },
  { input: 5, out: 23, size: 6 },
  { input: 6, out: 5, size: 2 },
];
const types = MORA_TYPES.filter((type) => type !== 'truncate');

it.each(SHAPES.flatMap((shape) => types.map((type) => [type, shape] as const)))('type %s, %j', (type, shape) => {
  const { input, out, size } = shape;
  const build = (output: (x: Value, w: Value, b: Value, m: Value) => Value): ReadonlyMap<string, Float64Array> => {
    const graph = new Graph();
    const inputs = { x: f32(3, input), w: f32(out, input), b: f32(out), m: f32(size, size) };
    const [x, w, b, m] = Object.entries(inputs).map(([name, t]) => graph.input(name, t)) as [
      Value,
      Value,
      Value,
      Value,
    ];
    const y = output(x, w, b, m);
    const weights = Float32Array.from({ length: 3 * out }, (_, i) => Math.cos(2.3 * i));
    const [dx, db, dm] = grad(sumAll(mul(y, graph.constant(weights, [3, out]))), [x, b, m]);
    const values = Object.fromEntries(
      Object.entries(inputs).map(([name, t], k) => [
        name,
        Array.from({ length: sizeOf(t.shape) }, (_, i) => Math.sin(1.7 * i + k)),
      ]),
    );
    const results = evaluateProgram(programOf({ y, dx: dx!, db: db!, dm: dm! }), values);
    return new Map([...results].map(([name, { data }]) => [name, data]));
  };
  const folded = build((x, w, b, m) => foldedLinear(x, () => w, b, m, type));
  const plain = build((x, w, b, m) => add(squareForward(x, m, out, type), linear(x, w, b)));
  for (const [name, expected] of plain) {
    // Tables of angles are float32 constants of both, in different places.
    expected.forEach((v, i) => expect(folded.get(name)?.[i]).toBeCloseTo(v, 5));
  }
});

it('is chosen for many tokens and not for one at a time', () => {
  for (const type of types) {
    expect(isFoldedCheaper(2048, 576, 576, type)).toBe(true);
    expect(isFoldedCheaper(1, 576, 576, type)).toBe(false);
  }
});
