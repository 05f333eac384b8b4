/** @file Executes a program in plain float64 TypeScript: slow, obvious, and independent of onnxruntime. For tests. */
import { KernelError } from '../protocol/errors';
import type { Value } from '../graph/graph';
import type { RefTensor } from '../graph/op';
import { mapNamed } from '../graph/op';
import type { Program } from '../graph/program';

export type RefFeeds = Readonly<Record<string, ArrayLike<number>>>;

export function evaluateProgram(program: Program, feeds: RefFeeds): ReadonlyMap<string, RefTensor> {
  const tensors = new Map<Value, RefTensor>();
  for (const value of program.leaves) {
    const { leaf } = value;
    if (leaf?.kind === 'weight')
      throw new KernelError('internal', `the reference runtime reads no weight files: ${leaf.name}`);
    const data = leaf?.kind === 'input' ? feeds[leaf.name] : leaf?.data;
    if (!data)
      throw new KernelError('internal', `no feed for ${leaf?.kind === 'input' ? leaf.name : `leaf ${value.id}`}`);
    tensors.set(value, { shape: value.type.shape, data: Float64Array.from(data) });
  }
  const get = (value: Value): RefTensor => {
    const tensor = tensors.get(value);
    if (!tensor) throw new KernelError('internal', `value ${value.id} was not computed`);
    return tensor;
  };
  for (const { op, inputs, attrs, output } of program.nodes) {
    const data = op.evaluate(mapNamed(inputs, get), attrs, output.type);
    tensors.set(output, { shape: output.type.shape, data });
  }
  return new Map([...program.outputs].map(([name, value]) => [name, get(value)]));
}
