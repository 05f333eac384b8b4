import { expect, it } from 'vitest';
import { f32, Graph } from '../../../kernels/graph/graph';
import { hoistFrozen } from '../../../kernels/graph/hoistFrozen';
import { add, gemm, mul, reduceSum, reshape } from '../../../kernels/graph/ops';
import { programOf } from '../../../kernels/graph/program';
import { verify } from '../../../kernels/graph/verify';

const location = { file: '/w', offset: 0, byteLength: 4 * 128 };

function graphWithNorms(): { graph: Graph; program: ReturnType<typeof programOf> } {
  const graph = new Graph();
  const w = graph.weight('w', f32(8, 16), location);
  const x = graph.input('x', f32(4, 16));
  const norms = (): ReturnType<typeof reshape> => reshape(reduceSum(mul(w, w), [1]), [8]);
  const y = add(mul(gemm(x, w, { transB: true }), norms()), norms());
  return { graph, program: programOf({ y }) };
}

it('what depends on weights alone and is small becomes one input for each expression', () => {
  const { program, frozen } = hoistFrozen(graphWithNorms().program);
  verify(program, 'hoistFrozen');
  expect(program.nodes.map(({ op }) => op.name)).toEqual(['gemm', 'mul', 'add']);
  expect([...frozen.values()].map(({ type }) => type.shape)).toEqual([[8]]);
  const names = program.leaves.flatMap(({ leaf }) => (leaf?.kind === 'input' ? [leaf.name] : []));
  expect(names).toEqual(['x', ...frozen.keys()]);
});

it('two builds of the same graph name the same values alike', () => {
  const [one, two] = [hoistFrozen(graphWithNorms().program), hoistFrozen(graphWithNorms().program)];
  expect([...one.frozen.keys()]).toEqual([...two.frozen.keys()]);
});

it('what is as large as the weights, or changes, stays where it is', () => {
  const graph = new Graph();
  const w = graph.weight('w', f32(8, 16), location);
  const a = graph.input('a', f32(8, 16));
  const y = add(mul(w, w), reduceSum(mul(a, w), [1]));
  const { program, frozen } = hoistFrozen(programOf({ y }));
  expect(frozen.size).toBe(0);
  expect(program.nodes).toHaveLength(4);
});
