/** @file The plan of buffers against brute force: nothing is overwritten before it is read, and no byte is forgotten. */
import '../../support/fastCheck';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { peakOf, planBuffers } from '../../../kernels/estimate/bufferPlan';
import { executionOrder } from '../../../kernels/estimate/executionOrder';
import type { RawType } from '../../../kernels/estimate/onnxShapes';
import { bytesOfType } from '../../../kernels/estimate/onnxShapes';
import type { OnnxNode } from '../../../kernels/graph/onnx/writer';

const node = (opType: string, inputs: readonly string[], output: string): OnnxNode => ({
  opType,
  domain: '',
  name: output,
  inputs,
  outputs: [output],
  attributes: {},
});

const SHAPES = [[8], [2, 4], [4, 4], [16]] as const;
const OPS = ['Add', 'Sigmoid', 'Reshape', 'Softmax', 'Neg', 'Where'] as const;

interface Small {
  readonly nodes: readonly OnnxNode[];
  readonly types: ReadonlyMap<string, RawType>;
  readonly results: ReadonlySet<string>;
}

/** Programs of up to twenty nodes that read any earlier values; the last one and some others are results. */
const programs: fc.Arbitrary<Small> = fc
  .array(
    fc.record({
      op: fc.constantFrom(...OPS),
      shape: fc.constantFrom(...SHAPES),
      reads: fc.array(fc.nat(), { minLength: 1, maxLength: 3 }),
      isResult: fc.boolean(),
    }),
    { minLength: 1, maxLength: 20 },
  )
  .map((steps) => {
    const types = new Map<string, RawType>([['x', { elementBytes: 4, shape: [8] }]]);
    const results = new Set<string>();
    const nodes: OnnxNode[] = [];
    steps.forEach(({ op, shape, reads, isResult }, i) => {
      const names = [...types.keys()];
      const name = `v${i}`;
      const inputs = reads.map((at) => names[at % names.length]!);
      const first = types.get(inputs[0]!)!;
      // These keep the size of their input.
      const isLike = op === 'Sigmoid' || op === 'Softmax' || op === 'Reshape' || op === 'Neg';
      types.set(name, { elementBytes: 4, shape: isLike ? first.shape : shape });
      nodes.push(node(op, inputs, name));
      // As our encoder has it: what is handed out has a node of its own.
      if (isResult || i === steps.length - 1) {
        types.set(`${name}_out`, types.get(name)!);
        nodes.push(node('Identity', [name], `${name}_out`));
        results.add(`${name}_out`);
      }
    });
    return { nodes, types, results };
  });

describe('a plan', () => {
  it('overwrites nothing that is still to be read', () => {
    fc.assert(
      fc.property(programs, ({ nodes, types, results }) => {
        const order = executionOrder(nodes);
        const place = (name: string): number => order.findIndex((n) => n.outputs[0] === name);
        const lastRead = (name: string): number =>
          order.reduce((last, n, i) => (n.inputs.includes(name) ? i : last), place(name));
        for (const { values, from, to, name } of planBuffers(order, types, results)) {
          if (name.endsWith('(scratch)')) continue;
          expect(from).toBe(place(values[0]!));
          expect(to).toBeGreaterThanOrEqual(Math.max(...values.map(lastRead)));
          for (const [i, value] of values.entries()) {
            for (const later of values.slice(i + 1)) {
              const writer = order[place(later)]!;
              const isAlias = writer.opType === 'Reshape' || writer.opType === 'Identity';
              // A second name of the same content overwrites nothing; what works in place reads while it writes.
              if (!isAlias) expect(place(later)).toBeGreaterThanOrEqual(lastRead(value));
            }
          }
        }
      }),
    );
  });

  it('has every value of the program in one buffer, but for those given from outside and their other names', () => {
    fc.assert(
      fc.property(programs, ({ nodes, types, results }) => {
        const order = executionOrder(nodes);
        const held = planBuffers(order, types, results).flatMap((b) => b.values.filter((v) => !v.includes('scratch')));
        expect(new Set(held).size).toBe(held.length);
        const given = new Set(['x']);
        for (const { opType, inputs, outputs } of order) {
          const isAlias = opType === 'Reshape' || opType === 'Identity';
          if (isAlias && given.has(inputs[0]!) && !results.has(outputs[0]!)) given.add(outputs[0]!);
          else expect(held).toContain(outputs[0]);
        }
      }),
    );
  });

  it('has the peak of the bytes that are counted node by node', () => {
    fc.assert(
      fc.property(programs, ({ nodes, types, results }) => {
        const order = executionOrder(nodes);
        const buffers = planBuffers(order, types, results);
        const alive = order.map((_, i) => buffers.reduce((n, b) => (b.from <= i && i <= b.to ? n + b.bytes : n), 0));
        const { at, bytes } = peakOf(buffers);
        expect(bytes).toBe(Math.max(...alive));
        expect(alive[at]).toBe(bytes);
        // No plan can do with less than what a node writes and the results that are there by then.
        const written = order.reduce(
          (n, { outputs }) => (results.has(outputs[0]!) ? n + size(types, outputs[0]!) : n),
          0,
        );
        expect(bytes).toBeGreaterThanOrEqual(written);
      }),
    );
  });
});

const size = (types: ReadonlyMap<string, RawType>, name: string): number => bytesOfType(types.get(name)!);

describe('a chain', () => {
  const types = new Map<string, RawType>(
    ['x', 'a', 'b', 'c', 'y'].map((name) => [name, { elementBytes: 4, shape: [10] }] as const),
  );
  const peak = (...nodes: OnnxNode[]): number => peakOf(planBuffers(nodes, types, new Set(['y']))).bytes;

  it('holds input and result of what does not work in place', () => {
    expect(peak(node('Neg', ['x'], 'a'), node('Neg', ['a'], 'b'), node('Neg', ['b'], 'y'))).toBe(80);
  });

  it('holds one buffer where it works in place', () => {
    expect(peak(node('Neg', ['x'], 'a'), node('Sigmoid', ['a'], 'b'), node('Softmax', ['b'], 'c'))).toBe(40);
  });

  it('takes a dead buffer of the same shape, and keeps it alive in between', () => {
    const plan = planBuffers(
      [node('Neg', ['x'], 'a'), node('Neg', ['a'], 'b'), node('Neg', ['b'], 'c')],
      types,
      new Set(['y']),
    );
    expect(plan.map(({ values, from, to }) => [values, from, to])).toEqual([
      [['a', 'c'], 0, 2],
      [['b'], 1, 2],
    ]);
  });

  it('does not work in place on what is read again', () => {
    expect(
      peak(
        node('Neg', ['x'], 'a'),
        node('Sigmoid', ['a'], 'b'),
        node('Add', ['a', 'b'], 'c'),
        node('Identity', ['c'], 'y'),
      ),
    ).toBe(120);
  });
});
