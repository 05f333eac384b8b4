/** @file Programs: what is kept, what passes change, what the verifier refuses, and that a build always prints the same. */
import { describe, expect, it } from 'vitest';
import { fuseGemmAdd } from '../../../kernels/graph/fuseGemmAdd';
import { grad } from '../../../kernels/graph/grad';
import type { Value } from '../../../kernels/graph/graph';
import { f32, Graph } from '../../../kernels/graph/graph';
import { add, gemm, linear, mul, stopGradient, sumAll } from '../../../kernels/graph/ops';
import type { Program } from '../../../kernels/graph/program';
import { programOf } from '../../../kernels/graph/program';
import { printProgram } from '../../../kernels/graph/print';
import { verify } from '../../../kernels/graph/verify';
import { evaluateProgram } from '../../../kernels/runtime/reference';

/** loss = Σ (x·Wᵀ + s·(x·Aᵀ)·Bᵀ)², gradients to A and B: the smallest LoRA step. */
function loraStep(): { readonly program: Program; readonly graph: Graph } {
  const graph = new Graph();
  const [x, w] = [graph.input('x', f32(3, 4)), graph.input('w', f32(5, 4))];
  const [a, b] = [graph.input('a', f32(2, 4)), graph.input('b', f32(5, 2))];
  const y = graph.scoped('layer', () => add(linear(x, w), gemm(linear(x, a), b, { transB: true, alpha: 2 })));
  const loss = sumAll(mul(y, y));
  const [da, db] = grad(loss, [a, b]) as [Value, Value];
  return { program: programOf({ loss, da, db }), graph };
}

const feeds = Object.fromEntries(
  Object.entries({ x: 12, w: 20, a: 8, b: 10 }).map(([name, n]) => [
    name,
    Array.from({ length: n }, (_, i) => Math.sin(i + n)),
  ]),
);

describe('a program', () => {
  it('prints the same text for the same build', () => {
    const text = printProgram(fuseGemmAdd(loraStep().program));
    expect(printProgram(fuseGemmAdd(loraStep().program))).toBe(text);
    expect(text).toMatchInlineSnapshot(`
      "input x: f32[3, 4]
      input w: f32[5, 4]
      input a: f32[2, 4]
      input b: f32[5, 2]
      constant constant_11: f32[]
      layer/gemm_4: f32[3, 5] = gemm(a=x, b=w, {"transA":false,"transB":true,"alpha":1})
      layer/gemm_5: f32[3, 2] = gemm(a=x, b=a, {"transA":false,"transB":true,"alpha":1})
      layer/gemm_7: f32[3, 5] = gemm(a=layer/gemm_5, b=b, c=layer/gemm_4, {"transA":false,"transB":true,"alpha":2})
      mul_8: f32[3, 5] = mul(a=layer/gemm_7, b=layer/gemm_7)
      reduceSum_9: f32[1, 1] = reduceSum(x=mul_8, {"axes":[0,1]})
      reshape_10: f32[] = reshape(x=reduceSum_9, {"shape":[]})
      grad./reshape_12: f32[1, 1] = reshape(x=constant_11, {"shape":[1,1]})
      grad./expand_13: f32[3, 5] = expand(x=grad./reshape_12, {"shape":[3,5]})
      grad./mul_14: f32[3, 5] = mul(a=grad./expand_13, b=layer/gemm_7)
      grad./mul_15: f32[3, 5] = mul(a=grad./expand_13, b=layer/gemm_7)
      grad./add_16: f32[3, 5] = add(a=grad./mul_14, b=grad./mul_15)
      grad.layer/gemm_17: f32[3, 2] = gemm(a=grad./add_16, b=b, {"transA":false,"transB":false,"alpha":2})
      grad.layer/gemm_18: f32[5, 2] = gemm(a=grad./add_16, b=layer/gemm_5, {"transA":true,"transB":false,"alpha":2})
      grad.layer/gemm_19: f32[2, 4] = gemm(a=grad.layer/gemm_17, b=x, {"transA":true,"transB":false,"alpha":1})
      output loss = reshape_10
      output da = grad.layer/gemm_19
      output db = grad.layer/gemm_18
      "
    `);
  });

  it('leaves out what no output needs, inputs too', () => {
    const graph = new Graph();
    const used = graph.input('used', f32(2));
    const unused = graph.input('unused', f32(2));
    mul(unused, unused);
    const program = programOf({ out: mul(used, used) });
    expect(program.nodes).toHaveLength(1);
    expect(program.leaves).toEqual([used]);
  });

  it('computes the same after sums were folded into products', () => {
    const { program } = loraStep();
    const fused = fuseGemmAdd(program);
    verify(fused, 'fuseGemmAdd');
    expect(fused.nodes.length).toBeLessThan(program.nodes.length);
    const [before, after] = [evaluateProgram(program, feeds), evaluateProgram(fused, feeds)];
    for (const name of program.outputs.keys()) {
      before.get(name)?.data.forEach((v, i) => expect(after.get(name)?.data[i]).toBeCloseTo(v, 12));
    }
  });

  it('does not fold a product that something else reads', () => {
    const graph = new Graph();
    const [x, w] = [graph.input('x', f32(2, 2)), graph.input('w', f32(2, 2))];
    const product = gemm(x, w);
    const program = programOf({ sum: add(x, product), product });
    expect(fuseGemmAdd(program).nodes.map((n) => n.op.name)).toEqual(['gemm', 'add']);
  });
});

describe('the verifier', () => {
  it('names a node whose input comes later', () => {
    const { program } = loraStep();
    const reversed = { ...program, nodes: [...program.nodes].reverse() };
    expect(() => verify(reversed, 'a pass')).toThrow(/illegal graph after a pass: .* before it is made/);
  });

  it('names an output that is never made', () => {
    const { program } = loraStep();
    expect(() => verify({ ...program, nodes: [] }, 'a pass')).toThrow(/the output loss is never made/);
  });
});

describe('the gradient', () => {
  it('refuses a tensor that the loss does not depend on: it would train nothing', () => {
    const graph = new Graph();
    const [x, idle] = [graph.input('x', f32(2)), graph.input('idle', f32(2))];
    expect(() => grad(sumAll(mul(x, x)), [idle])).toThrow(/does not depend on idle/);
  });

  it('does not pass a stopGradient', () => {
    const graph = new Graph();
    const x = graph.input('x', f32(2));
    const [dx] = grad(sumAll(mul(x, stopGradient(x))), [x]) as [Value];
    // d/dx of x·const(x) is x, not 2x.
    expect([...(evaluateProgram(programOf({ dx }), { x: [3, 5] }).get('dx')?.data ?? [])]).toEqual([3, 5]);
  });

  it('refuses a loss that is not a scalar', () => {
    const graph = new Graph();
    const x = graph.input('x', f32(2));
    expect(() => grad(mul(x, x), [x])).toThrow(/must be a scalar/);
  });
});

describe('a graph', () => {
  it('refuses two inputs of one name and values of two graphs', () => {
    const [one, two] = [new Graph(), new Graph()];
    const x = one.input('x', f32(2));
    expect(() => one.input('x', f32(2))).toThrow(/already has an input named x/);
    expect(() => add(x, two.input('y', f32(2)))).toThrow(/values of two graphs/);
  });

  it('says both shapes when a product does not fit', () => {
    const graph = new Graph();
    expect(() => gemm(graph.input('a', f32(2, 3)), graph.input('b', f32(4, 5)))).toThrow(
      /gemm\(a f32\[2, 3\], b f32\[4, 5\]\): inner sizes 3 and 4 differ/,
    );
  });
});
