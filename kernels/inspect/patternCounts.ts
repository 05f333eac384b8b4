/**
 * @file Types of 8 and 16 bits have at most 65536 different values: counting how often each bit pattern occurs reads a tensor
 * at the speed of the disk, and its statistics and histogram follow from the counts, exactly.
 */
import { DTYPE_BITS, type Dtype } from '../formats/dtype';
import { decodeNumbers } from './decodeNumbers';
import { tensorRanges, type TensorSource } from '../formats/tensorRanges';

/** Different values and how often each occurs. */
export interface CountedValues {
  readonly values: ArrayLike<number>;
  readonly times: Float64Array;
}

/** Reads all of a tensor; `null` for wider types and for those that are no plain numbers. */
export async function countPatterns(
  source: TensorSource,
  name: string,
  signal?: AbortSignal,
  onBytes?: (done: number) => void,
): Promise<CountedValues | null> {
  const { dtype } = source.tensor(name);
  const values = patternValues(dtype);
  if (!values) return null;
  const times = new Float64Array(values.length);
  for await (const bytes of tensorRanges(source, name, signal, onBytes)) {
    const { buffer, byteOffset, byteLength } = bytes;
    const words = values.length > 256 ? new Uint16Array(buffer, byteOffset, byteLength / 2) : bytes;
    for (let i = 0; i < words.length; i++) (times[words[i] as number] as number)++;
  }
  return { values, times };
}

/** The value of every pattern of a type. */
function patternValues(dtype: Dtype): ArrayLike<number> | null {
  const bits = DTYPE_BITS[dtype];
  const patterns = bits === 8 ? new Uint8Array(256) : bits === 16 ? new Uint16Array(0x10000) : null;
  patterns?.forEach((_, pattern) => (patterns[pattern] = pattern));
  return patterns && decodeNumbers(dtype, new Uint8Array(patterns.buffer));
}
