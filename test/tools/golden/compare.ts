/** @file Compares numbers with golden ones by the rules of the data's README: largest error, root mean square, ignored ranges. */
import type { GoldenResult } from './tokenizer';

/** Of one tensor. `rms_tol` is absent for scalars. */
export interface Tolerance {
  readonly atol: number;
  readonly rms_tol?: number;
}

/** [from, to) of a flattened tensor that must not be compared: one range or several. */
export type IgnoredRanges = readonly [number, number] | readonly (readonly [number, number])[];

/** Where a gradient is tiny, Adam divides rounding noise by rounding noise: so many entries of a trained tensor may stand out. */
const HANDFUL = 5;

export interface CompareOptions {
  readonly ignored?: IgnoredRanges;
  /** A trained tensor: a handful of entries beyond `atol` passes while the root mean square is within its own tolerance. */
  readonly isTrained?: boolean;
  /** Of a merged weight: how often one trained entry stands in it. Default 1. */
  readonly copies?: number;
}

/** The worse of largest error and root mean square, each against its tolerance. A NaN is an infinite error. */
export function compareValues(
  quantity: string,
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  { atol, rms_tol }: Tolerance,
  { ignored = [], isTrained = false, copies = 1 }: CompareOptions = {},
): GoldenResult {
  if (actual.length !== expected.length) {
    return {
      quantity: `${quantity} (${actual.length} values for ${expected.length})`,
      worstError: Infinity,
      tolerance: 0,
    };
  }
  const ranges = isOneRange(ignored) ? [ignored] : ignored;
  let [max, squares, count, beyond] = [0, 0, 0, 0];
  for (let i = 0; i < expected.length; i++) {
    if (ranges.some(([from, to]) => i >= from && i < to)) continue;
    const difference = Math.abs((actual[i] ?? NaN) - (expected[i] ?? NaN));
    const error = Number.isNaN(difference) ? Infinity : difference;
    max = Math.max(max, error);
    squares += error * error;
    count++;
    if (error > atol) beyond++;
  }
  const rms = count > 0 ? Math.sqrt(squares / count) : 0;
  const byMax = { quantity, worstError: max, tolerance: atol };
  if (rms_tol === undefined) return byMax;
  const byRms = { quantity: `${quantity} (rms)`, worstError: rms, tolerance: rms_tol };
  if (isTrained && beyond > 0 && beyond <= HANDFUL * copies) {
    return { ...byRms, quantity: `${quantity} (rms; ${beyond} of ${count} beyond atol)` };
  }
  return ratio(byRms) > ratio(byMax) ? byRms : byMax;
}

const isOneRange = (ranges: IgnoredRanges): ranges is readonly [number, number] => typeof ranges[0] === 'number';

/** Error as a share of the tolerance; 0 / 0 is 0: a quantity that must be exact and is. */
export function ratio({ worstError, tolerance }: GoldenResult): number {
  return worstError === 0 ? 0 : worstError / tolerance;
}

/** The worst result of each quantity. */
export function worstOfEach(results: readonly GoldenResult[]): GoldenResult[] {
  const worst = new Map<string, GoldenResult>();
  for (const result of results) {
    const known = worst.get(result.quantity);
    if (!known || ratio(result) > ratio(known)) worst.set(result.quantity, result);
  }
  return [...worst.values()];
}

/** Sets that must be equal: the error is the number of names in only one of them. */
export function compareNames(quantity: string, actual: Iterable<string>, expected: Iterable<string>): GoldenResult {
  const [a, b] = [new Set(actual), new Set(expected)];
  const odd = [...[...a].filter((n) => !b.has(n)), ...[...b].filter((n) => !a.has(n))];
  return { quantity: odd.length > 0 ? `${quantity} (${odd[0]})` : quantity, worstError: odd.length, tolerance: 0 };
}
