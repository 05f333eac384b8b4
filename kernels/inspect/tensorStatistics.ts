/** @file What the values of one tensor look like, in one pass over ranges of it. */
import { decodeFloats, type Dtype } from '../formats/dtype';
import { KernelError } from '../protocol/errors';
import { tensorRanges, type TensorSource } from './tensorRanges';

/** Of the finite values; without one, `min`, `max`, `mean` and `std` are null. */
export interface TensorStatistics {
  readonly count: number;
  readonly min: number | null;
  readonly max: number | null;
  readonly mean: number | null;
  /** Of the whole population: divided by the number of values. */
  readonly std: number | null;
  readonly zeros: number;
  /** NaN and infinities. */
  readonly non_finite: number;
}

/** Throws `format/invalid` for types that are no plain numbers (packed and 8-bit floating types, complex numbers). */
export async function tensorStatistics(
  source: TensorSource,
  name: string,
  signal?: AbortSignal,
): Promise<TensorStatistics> {
  const { dtype } = source.tensor(name);
  let [count, zeros, nonFinite] = [0, 0, 0];
  let [min, max] = [Infinity, -Infinity];
  // Sums of the differences to one of the values lose less to cancellation than sums of the values.
  let [shift, sum, squares] = [NaN, 0, 0];
  for await (const bytes of tensorRanges(source, name, signal)) {
    const values = numbersOf(dtype, bytes);
    if (!values) {
      throw new KernelError('format/invalid', `${name} holds ${dtype} values, for which there are no statistics here`);
    }
    count += values.length;
    for (let i = 0; i < values.length; i++) {
      const value = values[i] as number;
      if (!(Math.abs(value) <= Number.MAX_VALUE)) {
        nonFinite++;
        continue;
      }
      if (value === 0) zeros++;
      if (value < min) min = value;
      if (value > max) max = value;
      if (Number.isNaN(shift)) shift = value;
      const difference = value - shift;
      sum += difference;
      squares += difference * difference;
    }
  }
  const finite = count - nonFinite;
  if (finite === 0) return { count, min: null, max: null, mean: null, std: null, zeros, non_finite: nonFinite };
  const mean = shift + sum / finite;
  const std = Math.sqrt(Math.max(0, squares / finite - (sum / finite) ** 2));
  return { count, min, max, mean, std, zeros, non_finite: nonFinite };
}

function numbersOf(dtype: Dtype, bytes: Uint8Array): ArrayLike<number> | null {
  const { buffer, byteOffset, byteLength } = bytes;
  switch (dtype) {
    case 'F64':
      return new Float64Array(buffer, byteOffset, byteLength / 8);
    case 'F32':
      return new Float32Array(buffer, byteOffset, byteLength / 4);
    case 'F16':
    case 'BF16': {
      const values = new Float32Array(byteLength / 2);
      decodeFloats(dtype, bytes, values);
      return values;
    }
    case 'BOOL':
    case 'U8':
      return bytes;
    case 'I8':
      return new Int8Array(buffer, byteOffset, byteLength);
    case 'U16':
      return new Uint16Array(buffer, byteOffset, byteLength / 2);
    case 'I16':
      return new Int16Array(buffer, byteOffset, byteLength / 2);
    case 'U32':
      return new Uint32Array(buffer, byteOffset, byteLength / 4);
    case 'I32':
      return new Int32Array(buffer, byteOffset, byteLength / 4);
    case 'U64':
      return Float64Array.from(new BigUint64Array(buffer, byteOffset, byteLength / 8), Number);
    case 'I64':
      return Float64Array.from(new BigInt64Array(buffer, byteOffset, byteLength / 8), Number);
    default:
      return null;
  }
}
