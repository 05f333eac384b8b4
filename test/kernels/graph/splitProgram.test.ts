/** @file Programs that run in pieces give what they give in one, and no piece holds more weights than it may. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Value } from '../../../kernels/graph/graph';
import { f32, Graph } from '../../../kernels/graph/graph';
import { add, gatherRows, gemm, scale } from '../../../kernels/graph/ops';
import type { Program } from '../../../kernels/graph/program';
import { programOf } from '../../../kernels/graph/program';
import { splitProgram } from '../../../kernels/graph/splitProgram';
import { verify } from '../../../kernels/graph/verify';
import { evaluateProgram } from '../../../kernels/runtime/reference';

const WEIGHT_BYTES = 36;

/** A chain of matrices with a residual path, and an output on the way. */
function chain(depth: number): { program: Program; run: (program: Program, feeds: Feeds) => Feeds } {
  const graph = new Graph();
  const start = graph.input('x', f32(2, 3));
  let x: Value = start;
  const outputs: Record<string, Value> = {};
  for (let i = 0; i < depth; i++) {
    const location = { file: 'weights', offset: i * WEIGHT_BYTES, byteLength: WEIGHT_BYTES };
    x = add(gemm(x, graph.weight(`w${i}`, f32(3, 3), location)), scale(start, 0.5));
    if (i === 1) outputs.middle = x;
  }
  outputs.end = x;
  return { program: programOf(outputs), run };
}

type Feeds = Readonly<Record<string, ArrayLike<number>>>;

/** The reference runtime reads no files: each weight becomes an input with numbers of its own. */
function run(program: Program, feeds: Feeds): Feeds {
  const asInputs: Program = {
    ...program,
    leaves: program.leaves.map((value) => {
      const { leaf } = value;
      if (leaf?.kind === 'weight') Object.assign(value, { leaf: { kind: 'input', name: leaf.name } });
      return value;
    }),
  };
  const weights = asInputs.leaves.flatMap(({ leaf }) =>
    leaf?.kind === 'input' && leaf.name.startsWith('w')
      ? [[leaf.name, Float64Array.from({ length: 9 }, (_, i) => Math.sin(i + 3 * Number(leaf.name.slice(1))))] as const]
      : [],
  );
  const results = evaluateProgram(asInputs, { ...feeds, ...Object.fromEntries(weights) });
  return Object.fromEntries([...results].map(([name, { data }]) => [name, data]));
}

const X = { x: [0.1, -0.2, 0.3, 0.4, 0.5, -0.6] };

describe('splitting a program', () => {
  it('changes no result, whatever the size of the pieces', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 9 }), fc.integer({ min: 1, max: 10 }), (depth, weights) => {
        const { program } = chain(depth);
        const pieces = splitProgram(program, weights * WEIGHT_BYTES);
        expect(pieces).toHaveLength(Math.ceil(depth / weights));
        let known: Feeds = X;
        for (const piece of pieces) {
          verify(piece, 'splitting');
          known = { ...known, ...run(piece, known) };
        }
        const whole = run(program, X);
        for (const name of program.outputs.keys()) expect(known[name]).toEqual(whole[name]);
      }),
    );
  });

  it('counts of a table only the rows that are gathered, and a shared weight once', () => {
    const graph = new Graph();
    const table = graph.weight('w0', f32(100, 3), { file: 'weights', offset: 0, byteLength: 1200 });
    const square = graph.weight('w1', f32(3, 3), { file: 'weights', offset: 1200, byteLength: WEIGHT_BYTES });
    const rows = gatherRows(table, graph.constant(Int32Array.of(4, 2), [2]));
    const program = programOf({ y: gemm(gemm(rows, square), square) });
    expect(splitProgram(program, 24 + WEIGHT_BYTES)).toHaveLength(1);
    expect(splitProgram(program, 24 + WEIGHT_BYTES - 1)).toHaveLength(2);
  });
});
