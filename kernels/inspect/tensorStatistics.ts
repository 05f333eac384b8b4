/** @file What the values of one tensor look like, read in ranges of it. */
import * as l10n from '@vscode/l10n';
import { KernelError } from '../protocol/errors';
import { decodeNumbers } from './decodeNumbers';
import { countPatterns, type CountedValues } from './patternCounts';
import { Bins } from './tensorHistogram';
import { tensorRanges, type TensorSource } from '../formats/tensorRanges';
import { ValueSums } from './valueSums';

/** Of the finite values; without one, `min`, `max`, `mean`, `std` and `norm` are null. */
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

export interface Histogram {
  readonly low: number;
  readonly high: number;
  readonly counts: readonly number[];
}

/** Throws `format/invalid` for types that are no plain numbers (packed types, complex numbers). */
export async function tensorStatistics(
  source: TensorSource,
  name: string,
  signal?: AbortSignal,
): Promise<TensorStatistics> {
  const counted = await countPatterns(source, name, signal);
  return counted ? statisticsOf(counted) : streamedStatistics(source, name, signal);
}

/**
 * The same with a histogram of the finite values from the smallest to the largest; `null` without one. Reads wide types
 * twice. `onFraction` hears how far the reading is. Errors as `tensorStatistics`.
 */
export async function tensorFacts(
  source: TensorSource,
  name: string,
  bins: number,
  signal?: AbortSignal,
  onFraction: (fraction: number) => void = () => undefined,
): Promise<TensorStatistics & { readonly histogram: Histogram | null }> {
  const { byteLength } = source.tensor(name);
  const part = (from: number, share: number) => (done: number) => onFraction(from + (share * done) / byteLength);
  const counted = await countPatterns(source, name, signal, part(0, 1));
  const statistics = counted ? statisticsOf(counted) : await streamedStatistics(source, name, signal, part(0, 0.5));
  const { min: low, max: high } = statistics;
  if (low === null || high === null) return { ...statistics, histogram: null };
  const histogram = new Bins(low, high, bins);
  if (counted) counted.times.forEach((times, i) => histogram.addOften(counted.values[i] as number, times));
  else for await (const values of numbersIn(source, name, signal, part(0.5, 0.5))) histogram.add(values);
  return { ...statistics, histogram: { low, high, counts: histogram.counts } };
}

function statisticsOf({ values, times }: CountedValues): TensorStatistics {
  const sums = new ValueSums();
  times.forEach((count, i) => sums.addOften(values[i] as number, count));
  return sums.result();
}

async function streamedStatistics(
  source: TensorSource,
  name: string,
  signal?: AbortSignal,
  onBytes?: (done: number) => void,
): Promise<TensorStatistics> {
  const sums = new ValueSums();
  for await (const values of numbersIn(source, name, signal, onBytes)) sums.add(values);
  return sums.result();
}

async function* numbersIn(
  source: TensorSource,
  name: string,
  signal?: AbortSignal,
  onBytes?: (done: number) => void,
): AsyncGenerator<ArrayLike<number>> {
  const { dtype } = source.tensor(name);
  for await (const bytes of tensorRanges(source, name, signal, onBytes)) {
    const values = decodeNumbers(dtype, bytes);
    if (!values) {
      throw new KernelError(
        'format/invalid',
        l10n.t('{0} holds {1} values, for which there are no statistics here', name, dtype),
      );
    }
    yield values;
  }
}
