/** @file The operator suite: every operator and sample, found by the list and not by hand. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { TensorType, Value } from '../../../../kernels/graph/graph';
import { Graph, sizeOf } from '../../../../kernels/graph/graph';
import { grad } from '../../../../kernels/graph/grad';
import { encodeOnnx } from '../../../../kernels/graph/onnx/encode';
import type { Target } from '../../../../kernels/graph/onnx/writer';
import { apply } from '../../../../kernels/graph/op';
import { headLoss, mul, operators, sumAll } from '../../../../kernels/graph/ops';
import { headLossSample } from '../../../../kernels/graph/ops/tokenNll';
import type { Program } from '../../../../kernels/graph/program';
import { programOf } from '../../../../kernels/graph/program';
import { verify } from '../../../../kernels/graph/verify';
import { ortRuntime } from '../../../../kernels/runtime/ort';
import { evaluateProgram } from '../../../../kernels/runtime/reference';
import type { Feeds, HostTensor } from '../../../../kernels/runtime/types';

interface Case {
  readonly name: string;
  readonly types: Readonly<Record<string, TensorType>>;
  readonly values: Readonly<Record<string, readonly number[]>>;
  readonly differentiable: readonly string[];
  readonly build: (inputs: Readonly<Record<string, Value>>) => Value;
}

const cases: Case[] = operators.flatMap((op) =>
  op.samples.map((sample, i): Case => {
    const types = sample.types as Record<string, TensorType>;
    const floats = Object.keys(types).filter((k) => types[k]?.dtype === 'f32');
    return {
      name: `${op.name} sample ${i}`,
      types,
      values: (sample.values ?? {}) as Record<string, readonly number[]>,
      // rope's cos and sin are constants of the graph and have no gradient, on purpose.
      differentiable: op.vjp === null ? [] : op.name === 'rope' ? ['x'] : floats,
      build: (inputs) => apply(op, inputs, sample.attrs),
    };
  }),
);
for (const [name, softCap] of [
  ['headLoss', null],
  ['headLoss with capped logits', 1.5],
] as const) {
  cases.push({
    name,
    ...headLossSample,
    differentiable: ['hidden', 'head'],
    build: ({ hidden, head, labels }) => headLoss(hidden!, head!, labels!, softCap),
  });
}

/** Numbers without symmetry, so that a transposed or swapped result cannot pass. */
const number = (i: number): number => Math.sin(1.7 * i + 0.3) + 0.05 * i;
const feedValues = (c: Case): Record<string, number[]> =>
  Object.fromEntries(
    Object.entries(c.types).map(([name, t], k) => [
      name,
      [...(c.values[name] ?? Array.from({ length: sizeOf(t.shape) }, (_, i) => number(i + 7 * k)))],
    ]),
  );

function build(c: Case): { graph: Graph; inputs: Record<string, Value>; output: Value } {
  const graph = new Graph();
  const inputs = Object.fromEntries(Object.entries(c.types).map(([name, t]) => [name, graph.input(name, t)]));
  return { graph, inputs, output: c.build(inputs) };
}

async function runOrt(
  program: Program,
  feeds: Record<string, number[]>,
  target: Target,
): Promise<Record<string, Float32Array>> {
  const session = await ortRuntime.compile(encodeOnnx(program, { target, weightsFolder: '/' }), {
    device: 'cpu',
    threads: 1,
    weightsFolder: '/',
  });
  const tensors: Feeds = Object.fromEntries(
    program.leaves.flatMap((v): [string, HostTensor][] => {
      if (v.leaf?.kind !== 'input') return [];
      const values = feeds[v.leaf.name] ?? [];
      const { dtype, shape } = v.type;
      if (dtype === 'i32') return [[v.leaf.name, { dtype, shape, data: Int32Array.from(values) }]];
      if (dtype === 'bool') return [[v.leaf.name, { dtype, shape, data: Uint8Array.from(values) }]];
      return [[v.leaf.name, { dtype: 'f32', shape, data: Float32Array.from(values) }]];
    }),
  );
  const outputs = await session.run(tensors);
  await session.dispose();
  return outputs;
}

/** Σ weights ⊙ output, with fixed odd weights, makes a scalar loss of any output. */
function lossOf(graph: Graph, output: Value): Value {
  const weights = Float32Array.from({ length: sizeOf(output.type.shape) }, (_, i) => 0.5 + Math.cos(2.3 * i));
  return sumAll(mul(output, graph.constant(weights, output.type.shape)));
}

describe.each(cases.map((c) => [c.name, c] as const))('%s', (_name, c) => {
  it('computes the type that it declares', () => {
    const { output } = build(c);
    const program = programOf({ output });
    verify(program, 'build');
    const result = evaluateProgram(program, feedValues(c)).get('output');
    expect(result?.data.length).toBe(sizeOf(output.type.shape));
  });

  it.each(['cpu', 'gpu'] as const)('agrees with the reference when emitted for %s', async (target) => {
    const { output } = build(c);
    const program = programOf({ output });
    const expected = evaluateProgram(program, feedValues(c)).get('output')?.data ?? [];
    const actual = (await runOrt(program, feedValues(c), target)).output ?? [];
    expect(actual.length).toBe(expected.length);
    expected.forEach((v, i) => expect(Math.abs((actual[i] ?? NaN) - v)).toBeLessThanOrEqual(2e-6 * (1 + Math.abs(v))));
  });

  it.runIf(c.differentiable.length > 0)('has the gradient of central differences', async () => {
    const { graph, inputs, output } = build(c);
    const loss = lossOf(graph, output);
    const wrt = c.differentiable.map((name) => inputs[name]!);
    const gradients = grad(loss, wrt);
    const program = programOf({
      loss,
      ...Object.fromEntries(c.differentiable.map((n, i) => [`grad.${n}`, gradients[i]!])),
    });
    verify(program, 'grad');
    const feeds = feedValues(c);
    const results = evaluateProgram(program, feeds);
    const device = await runOrt(program, feeds, 'cpu');
    const lossProgram = programOf({ loss });
    const lossAt = (changed: Record<string, number[]>): number =>
      evaluateProgram(lossProgram, changed).get('loss')?.data[0] ?? NaN;
    const h = 1e-5;
    for (const name of c.differentiable) {
      const analytic = results.get(`grad.${name}`)?.data ?? new Float64Array();
      analytic.forEach((g, i) => {
        const at = (delta: number): number => {
          const moved = [...(feeds[name] ?? [])];
          moved[i] = (moved[i] ?? NaN) + delta;
          return lossAt({ ...feeds, [name]: moved });
        };
        expect(Math.abs((at(h) - at(-h)) / (2 * h) - g)).toBeLessThanOrEqual(1e-7 * (1 + Math.abs(g)));
        expect(Math.abs((device[`grad.${name}`]?.[i] ?? NaN) - g)).toBeLessThanOrEqual(5e-6 * (1 + Math.abs(g)));
      });
    }
  });
});

describe('the list of operators', () => {
  const folder = path.resolve(__dirname, '../../../../kernels/graph/ops');

  it('holds every operator that a file of the folder defines', () => {
    const defined = readdirSync(folder)
      .filter((f) => f !== 'index.ts')
      .flatMap((f) =>
        [...readFileSync(path.join(folder, f), 'utf8').matchAll(/^ {2}name: '(\w+)',$/gm)].map((m) => m[1]),
      );
    expect(operators.map((op) => op.name).sort()).toEqual(defined.sort());
  });

  it('gives each operator at least one sample, but for the residual forms of the head loss', () => {
    expect(operators.filter((op) => op.samples.length === 0).map((op) => op.name)).toEqual(['logitNll', 'tokenNll']);
  });
});
