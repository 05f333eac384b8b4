/** @file How the values of one tensor are spread: counts of equally wide bins from the smallest to the largest. */
import { decodeNumbers } from './decodeNumbers';
import { tensorRanges, type TensorSource } from '../formats/tensorRanges';

/**
 * Counts the values of [low, high] in `bins` bins of one width; the last one holds `high` as well. Others are not counted.
 * The tensor holds plain numbers, as `tensorStatistics` has found.
 */
export async function tensorHistogram(
  source: TensorSource,
  name: string,
  range: { readonly low: number; readonly high: number; readonly bins: number },
  signal?: AbortSignal,
  onBytes?: (done: number) => void,
): Promise<readonly number[]> {
  const { low, high, bins } = range;
  const { dtype } = source.tensor(name);
  const counts = new Array<number>(bins).fill(0);
  // Divided first: the difference of the largest numbers is not finite.
  const width = high / bins - low / bins;
  for await (const bytes of tensorRanges(source, name, signal, onBytes)) {
    const values = decodeNumbers(dtype, bytes) ?? [];
    for (let i = 0; i < values.length; i++) {
      const value = values[i] as number;
      if (!(value >= low && value <= high)) continue;
      const bin = width > 0 ? Math.min(bins - 1, Math.floor((value - low) / width)) : 0;
      (counts[bin] as number)++;
    }
  }
  return counts;
}
