/** @file Shapes of emitted programs: those of the operators' own rules, for every operator there is. */
import { describe, expect, it } from 'vitest';
import { typesOf } from '../../../kernels/estimate/onnxShapes';
import { Graph } from '../../../kernels/graph/graph';
import { emitProgram } from '../../../kernels/graph/onnx/encode';
import { apply } from '../../../kernels/graph/op';
import { headLoss, operators, stopGradient } from '../../../kernels/graph/ops';
import { headLossSample } from '../../../kernels/graph/ops/tokenNll';
import type { TensorType } from '../../../kernels/graph/graph';
import { programOf } from '../../../kernels/graph/program';

const BYTES = { f32: 4, i32: 4, bool: 1, f16: 2, bf16: 2 } as const;

describe.each(['cpu', 'gpu'] as const)('for the %s', (target) => {
  it.each(operators.flatMap((op) => op.samples.map((sample, i) => [`${op.name} ${i}`, op, sample] as const)))(
    '%s has the shape its rule infers',
    (_, op, sample) => {
      const graph = new Graph();
      const inputs = Object.fromEntries(
        Object.entries(sample.types as Record<string, TensorType>).map(([name, type]) => [
          name,
          graph.input(name, type),
        ]),
      );
      const program = programOf({ y: apply(op, inputs, sample.attrs) });
      const value = program.outputs.get('y')!;
      const type = typesOf(program, emitProgram(program, target)).get('y');
      expect(type).toEqual({ elementBytes: BYTES[value.type.dtype], shape: value.type.shape });
    },
  );

  it('knows what lies inside an operator', () => {
    const graph = new Graph();
    const { hidden, head, labels } = headLossSample.types;
    const loss = headLoss(graph.input('h', hidden), graph.input('w', head), graph.input('l', labels), null);
    const program = programOf({ loss: stopGradient(loss) });
    const emitted = emitProgram(program, target);
    const types = typesOf(program, emitted);
    for (const node of emitted.out.nodes) expect(types.get(node.outputs[0]!)).toBeDefined();
    expect([...types.values()].some(({ shape }) => shape.join() === '3,5')).toBe(true);
  });
});
