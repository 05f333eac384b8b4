/** @file The tensors of a checkpoint as one looks at them: a quantised weight is a matrix of its values, and its parts are not shown. */
import type { Checkpoint, CheckpointTensor } from '../formats/checkpoint';
import { elementCount } from '../formats/dtype';
import { partsOf } from '../formats/quantizedWeight';
import type { TensorSource } from '../formats/tensorRanges';
import { KernelError, type Problem } from '../protocol/errors';

export interface ShownTensor {
  readonly name: string;
  /** As it is stored: `F16`, `NF4`. */
  readonly dtype: string;
  readonly shape: readonly number[];
  /** With those of its parts. */
  readonly byteLength: number;
}

export interface WeightView {
  readonly tensors: readonly ShownTensor[];
  /** Gives quantised weights in float32. */
  readonly source: TensorSource;
  /** Why quantised weights are shown as the tensors they are stored in. */
  readonly problems: readonly Problem[];
}

export function weightView(stored: Checkpoint): WeightView {
  let checkpoint: Checkpoint;
  try {
    checkpoint = stored.withQuantized('F32');
  } catch (error) {
    if (!KernelError.is(error)) throw error;
    return { tensors: [...stored.tensors.values()], source: stored, problems: error.problems };
  }
  const tensors = [...checkpoint.tensors.values()].filter(({ isPart }) => !isPart).map(shown);
  return { tensors, source: valuesOf(checkpoint), problems: [] };
}

function shown({ name, dtype, shape, byteLength, quantized }: CheckpointTensor): ShownTensor {
  if (!quantized) return { name, dtype, shape, byteLength };
  const bytes = partsOf(quantized).reduce((n, part) => n + part.byteLength, 0);
  return { name, dtype: quantized.form.toUpperCase(), shape, byteLength: bytes };
}

/** Bytes of float32 numbers in place of codes. */
function valuesOf(checkpoint: Checkpoint): TensorSource {
  return {
    tensor: (name) => {
      const tensor = checkpoint.tensor(name);
      return tensor.quantized ? { ...tensor, dtype: 'F32', byteLength: 4 * (elementCount(tensor.shape) ?? 0) } : tensor;
    },
    readRange: (name, begin, into) => {
      if (!checkpoint.tensor(name).quantized) return checkpoint.readRange(name, begin, into);
      const values = new Float32Array(into.byteLength / 4);
      checkpoint.readQuantized(name, begin / 4, values);
      into.set(new Uint8Array(values.buffer));
      return into;
    },
  };
}
