/**
 * @file The largest singular values of a dense matrix with their vectors: exact where the whole decomposition is affordable
 * or most of it is wanted, otherwise by randomised subspace iteration (Halko, Martinsson & Tropp 2011, algorithm 4.4),
 * repeated until no more of the matrix is caught.
 */
import { createRandom } from '../../util/random';
import { householderQr } from './householderQr';
import { dot, gram, type Matrix, multiply, multiplyTransposed, transpose, zeros } from './matrix';
import { singularValues, thinSvd } from './svd';
import type { Svd } from './svdTypes';

/** How much is wanted: so many values, or as many as hold a share of the energy Σσ² (0 to 1). */
export type Wanted = { readonly rank: number } | { readonly energy: number };

export interface TruncatedSvd extends Svd {
  readonly how: 'exact' | 'randomised';
}

/** Directions beyond those wanted, which make the wanted ones accurate. */
const EXTRA = 12;
/** Up to this size the whole decomposition takes a blink. */
const SMALL = 96;
const MOST_ITERATIONS = 16;
/** Products for aᵀ·a, from which on it costs more than it saves. */
const MOST_SQUARE = 3e9;
/** An iteration that adds less than this share of what is not caught yet is the last. */
const SETTLED = 1e-3;

/**
 * At least as many values as are wanted, descending, or all there are. Throws `runtime/failed` for values that are not finite.
 */
export function truncatedSvd(a: Matrix, wanted: Wanted): TruncatedSvd {
  const shortest = Math.min(a.rows, a.cols);
  const most = shortest <= 1024 ? shortest / 4 : shortest / 2;
  const total = dot(a.data, a.data);
  let size = 'rank' in wanted ? wanted.rank + EXTRA : 32;
  let isCounted = false;
  while (size <= most && shortest > SMALL && total > 0) {
    const found = randomisedSvd(a, size, total);
    if (!('energy' in wanted) || rankForEnergy(found.values, wanted.energy, total) <= size - EXTRA) {
      return { ...found, how: 'randomised' };
    }
    // All values without their vectors cost about as much as one more guess, and end the guessing.
    size = isCounted ? 2 * size : Math.max(size, rankForEnergy(singularValues(a), wanted.energy, total)) + EXTRA;
    isCounted = true;
  }
  return { ...thinSvd(a), how: 'exact' };
}

/**
 * The smallest number of values whose squares hold the share `energy` of `total`; one more than there are when they do not. A
 * matrix of zeros needs none.
 */
export function rankForEnergy(values: ArrayLike<number>, energy: number, total: number): number {
  let held = 0;
  // What all values but rounding hold is everything.
  const goal = total * Math.min(energy, 1 - 1e-14);
  for (let rank = 0; rank < values.length; rank++) {
    if (held >= goal) return rank;
    held += values[rank]! ** 2;
  }
  return held >= goal ? values.length : values.length + 1;
}

/** `size` values; `total`: the sum of the squares of all elements. */
function randomisedSvd(a: Matrix, size: number, total: number): Svd {
  if (a.rows < a.cols) {
    const { values, left, right } = randomisedSvd(transpose(a), size, total);
    return { values, left: right, right: left };
  }
  // Whole vectors lie along memory: a row each.
  const timesSquare = squareOf(a);
  let right = orthonormal(normalRows(size, a.cols));
  let caught = 0;
  for (let i = 0; i < MOST_ITERATIONS; i++) {
    const next = timesSquare(right);
    const now = dot(right.data, next.data);
    right = orthonormal(next);
    if (i > 1 && now - caught <= SETTLED * (total - now)) break;
    caught = now;
  }
  const { values, left: mixed, right: left } = thinSvd(multiplyTransposed(right, a));
  return { values, left, right: multiply(mixed, right) };
}

/** v·aᵀ·a for vectors v, a row each: through aᵀ·a where that is made soon. */
function squareOf(a: Matrix): (vectors: Matrix) => Matrix {
  if (a.rows * a.cols ** 2 > MOST_SQUARE) return (vectors) => multiply(multiplyTransposed(vectors, a), a);
  const square = gram(transpose(a));
  return (vectors) => multiply(vectors, square);
}

/** Rows of length 1 at right angles to each other that span the given ones. */
function orthonormal(rows: Matrix): Matrix {
  const identity = zeros(rows.rows, rows.rows);
  for (let i = 0; i < rows.rows; i++) identity.data[i * rows.rows + i] = 1;
  return householderQr(rows).timesQ(identity);
}

/** Normal numbers by Box and Muller, the same at every call. */
function normalRows(rows: number, cols: number): Matrix {
  const random = createRandom(rows, cols);
  const uniform = (): number => (random.uint32() + 0.5) * 2 ** -32;
  const out = zeros(rows, cols);
  for (let i = 0; i < out.data.length; i++) {
    out.data[i] = Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
  }
  return out;
}
