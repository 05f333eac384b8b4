/** @file Quantised weights in graphs: the values of the file reader, and products, whatever the sizes of blocks and matrices. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Checkpoint } from '../../../../kernels/formats/checkpoint';
import { Graph, f32, type Value } from '../../../../kernels/graph/graph';
import { emitProgram, encodeOnnx } from '../../../../kernels/graph/onnx/encode';
import { gemm } from '../../../../kernels/graph/ops';
import { programOf } from '../../../../kernels/graph/program';
import { weightOf } from '../../../../kernels/models/baseModel';
import { ortRuntime } from '../../../../kernels/runtime/ort';
import { planBuffers } from '../../../../kernels/estimate/bufferPlan';
import { typesOf } from '../../../../kernels/estimate/onnxShapes';
import { quantise } from '../../../support/quantise';
import { quantisedFile } from '../../../support/quantisedFile';
import { randomValues, temporaryFolder } from '../../../support/tinyModel';

const folder = temporaryFolder();

const cases = fc.record({
  rows: fc.integer({ min: 1, max: 24 }),
  width: fc.integer({ min: 1, max: 24 }),
  form: fc.constantFrom('nf4' as const, 'fp4' as const, 'int8' as const),
  // The product of onnxruntime knows blocks of up to 256 values.
  blockSize: fc.constantFrom(32, 64, 256, 512),
  nested: fc.constantFrom(0, 2, 3, 256),
  isTransposed: fc.boolean(),
  transB: fc.boolean(),
  target: fc.constantFrom('cpu' as const, 'gpu' as const),
  seed: fc.nat(),
});
type Case = typeof cases extends fc.Arbitrary<infer C> ? C : never;

function write({ rows, width, form, blockSize, nested, isTransposed, seed }: Case): Checkpoint {
  const scheme = { form, blockSize, ...(nested > 0 && { nested }) };
  const tensors = quantise('a.weight', randomValues([rows, width], seed), [rows, width], scheme);
  return quantisedFile(folder, tensors, isTransposed);
}

async function run(
  checkpoint: Checkpoint,
  target: 'cpu' | 'gpu',
  x: Float32Array,
  shape: readonly [number, number],
  build: (weight: Value, x: Value) => Value,
): Promise<Float32Array> {
  const graph = new Graph();
  const weight = weightOf(graph, checkpoint.tensor('a.weight'), (file) => file);
  const program = programOf({ y: build(weight, graph.input('x', f32(...shape))) });
  expect(typesOf(program, emitProgram(program, target)).get('y')).toEqual({
    elementBytes: 4,
    shape: program.outputs.get('y')!.type.shape,
  });
  const options = { device: 'cpu' as const, threads: 1, weightsFolder: folder };
  const session = await ortRuntime.compile(encodeOnnx(program, { target, weightsFolder: folder }), options);
  const isFed = program.leaves.some(({ leaf }) => leaf?.kind === 'input');
  const { y } = await session.run(isFed ? { x: { dtype: 'f32', shape, data: x } } : {});
  await session.dispose();
  return y ?? new Float32Array();
}

describe('a quantised weight in a graph', () => {
  it('has the values that the reader of its files gives, to the bit', async () => {
    const property = fc.asyncProperty(cases, async (own) => {
      const checkpoint = write(own);
      const values = await run(checkpoint, own.target, new Float32Array(1), [1, 1], (weight) => weight);
      expect(values.map((v) => v + 0)).toEqual(checkpoint.readF32('a.weight').map((v) => v + 0));
      checkpoint.close();
    });
    await fc.assert(property, { numRuns: 60 });
  });

  it('is multiplied as its values are, with a sum and a factor', async () => {
    const property = fc.asyncProperty(cases, async (own) => {
      const checkpoint = write(own);
      const { shape } = checkpoint.tensor('a.weight');
      const [height = 0, across = 0] = shape;
      const [inner, outer] = own.transB ? [across, height] : [height, across];
      const x = randomValues([3, inner], own.seed + 1);
      const y = await run(checkpoint, own.target, x, [3, inner], (weight, input) =>
        gemm(input, weight, {
          transB: own.transB,
          alpha: 0.5,
          c: input.graph.constant(new Float32Array(outer).fill(2), [outer]),
        }),
      );
      const values = checkpoint.readF32('a.weight');
      y.forEach((value, i) => {
        const [row, column] = [Math.floor(i / outer), i % outer];
        let sum = 0;
        for (let k = 0; k < inner; k++) {
          sum += x[row * inner + k]! * values[own.transB ? column * across + k : k * across + column]!;
        }
        expect(Math.abs(value - (0.5 * sum + 2))).toBeLessThan(1e-5);
      });
      expect(y.length).toBe(3 * outer);
      checkpoint.close();
    });
    await fc.assert(property, { numRuns: 80 });
  });
});

it('a product that dequantises is planned with the values it makes meanwhile', () => {
  const values = randomValues([32, 16], 1);
  const checkpoint = quantisedFile(folder, quantise('a.weight', values, [32, 16], { form: 'nf4' }));
  const graph = new Graph();
  const weight = weightOf(graph, checkpoint.tensor('a.weight'), (file) => file);
  const program = programOf({ y: gemm(graph.input('x', f32(1, 16)), weight, { transB: true }) });
  const emitted = emitProgram(program, 'cpu');
  expect(emitted.out.nodes.map(({ opType }) => opType)).toContain('MatMulBnb4');
  const buffers = planBuffers(emitted.out.nodes, typesOf(program, emitted), new Set(['y']));
  expect(buffers.map(({ bytes }) => bytes)).toContain(4 * 32 * 16);
  checkpoint.close();
});
