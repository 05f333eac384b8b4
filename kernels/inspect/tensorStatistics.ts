/** @file What the values of one tensor look like, in one pass over ranges of it. */
import { KernelError } from '../protocol/errors';
import { decodeNumbers } from './decodeNumbers';
import { tensorRanges, type TensorSource } from '../formats/tensorRanges';

/** Of the finite values; without one, `min`, `max`, `mean` and `std` are null. */
export interface TensorStatistics {
  readonly count: number;
  readonly min: number | null;
  readonly max: number | null;
  readonly mean: number | null;
  /** Of the whole population: divided by the number of values. */
  readonly std: number | null;
  /** Frobenius norm. */
  readonly norm: number | null;
  readonly zeros: number;
  /** NaN and infinities. */
  readonly non_finite: number;
  readonly nan: number;
  readonly infinite: number;
}

/** Throws `format/invalid` for types that are no plain numbers (packed types, complex numbers). */
export async function tensorStatistics(
  source: TensorSource,
  name: string,
  signal?: AbortSignal,
  onBytes?: (done: number) => void,
): Promise<TensorStatistics> {
  const { dtype } = source.tensor(name);
  let [count, zeros, nan, infinite] = [0, 0, 0, 0];
  let [min, max] = [Infinity, -Infinity];
  // Sums of the differences to one of the values lose less to cancellation than sums of the values.
  let [shift, sum, squares, energy] = [NaN, 0, 0, 0];
  for await (const bytes of tensorRanges(source, name, signal, onBytes)) {
    const values = decodeNumbers(dtype, bytes);
    if (!values) {
      throw new KernelError('format/invalid', `${name} holds ${dtype} values, for which there are no statistics here`);
    }
    count += values.length;
    for (let i = 0; i < values.length; i++) {
      const value = values[i] as number;
      if (!(Math.abs(value) <= Number.MAX_VALUE)) {
        if (Number.isNaN(value)) nan++;
        else infinite++;
        continue;
      }
      if (value === 0) zeros++;
      if (value < min) min = value;
      if (value > max) max = value;
      if (Number.isNaN(shift)) shift = value;
      const difference = value - shift;
      sum += difference;
      squares += difference * difference;
      energy += value * value;
    }
  }
  const counts = { zeros, non_finite: nan + infinite, nan, infinite };
  const finite = count - nan - infinite;
  if (finite === 0) return { count, min: null, max: null, mean: null, std: null, norm: null, ...counts };
  const mean = shift + sum / finite;
  const std = Math.sqrt(Math.max(0, squares / finite - (sum / finite) ** 2));
  return { count, min, max, mean, std, norm: Math.sqrt(energy), ...counts };
}
