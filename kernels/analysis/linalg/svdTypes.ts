/** @file What a singular value decomposition consists of, and how one is put in order. */
import { dot, type Matrix, zeros } from './matrix';

/** a = Σᵢ valuesᵢ · leftᵢ · rightᵢᵀ, thin: count = min(rows, cols) of a. */
export interface Svd {
  /** Descending, not negative. */
  readonly values: Float64Array;
  /** [count, rows]: each row is a left singular vector. Rows are orthonormal. */
  readonly left: Matrix;
  /** [count, cols]: each row is a right singular vector. Rows are orthonormal. */
  readonly right: Matrix;
}

/** Sorts the triples of value and two vectors, largest value first. */
export function sortedSvd(values: Float64Array, left: Matrix, right: Matrix): Svd {
  const order = [...values.keys()].sort((i, j) => values[j]! - values[i]!);
  const pick = (m: Matrix): Matrix => {
    const out = zeros(order.length, m.cols);
    order.forEach((from, to) => out.data.set(m.data.subarray(from * m.cols, (from + 1) * m.cols), to * m.cols));
    return out;
  };
  return { values: Float64Array.from(order, (i) => values[i]!), left: pick(left), right: pick(right) };
}

/**
 * Splits orthogonal rows into lengths and directions. A row no longer than `noise` has no direction: its length becomes 0, and
 * it gets a direction that is orthogonal to all others, so that the result is orthonormal.
 */
export function normalizedRows(m: Matrix, noise: number): { readonly values: Float64Array; readonly rows: Matrix } {
  const rows = { ...m, data: m.data.slice() };
  const row = (i: number): Float64Array => rows.data.subarray(i * m.cols, (i + 1) * m.cols);
  const values = Float64Array.from({ length: m.rows }, (_, i) => {
    const length = Math.sqrt(dot(row(i), row(i)));
    return length > noise ? length : 0;
  });
  values.forEach((length, i) => {
    if (length > 0) row(i).forEach((value, j) => (row(i)[j] = value / length));
  });
  const done = [...values.keys()].filter((i) => values[i]! > 0);
  values.forEach((length, i) => {
    if (length > 0) return;
    completeBasis(row(i), done.map(row));
    done.push(i);
  });
  return { values, rows };
}

/** Fills `target` with a unit vector orthogonal to `others`, of which there are fewer than dimensions. */
function completeBasis(target: Float64Array, others: readonly Float64Array[]): void {
  for (let axis = 0; axis < target.length; axis++) {
    target.fill(0);
    target[axis] = 1;
    // Twice: the first pass leaves rounding errors of the size of what it removed.
    for (let pass = 0; pass < 2; pass++) {
      for (const other of others) {
        const overlap = dot(target, other);
        target.forEach((value, i) => (target[i] = value - overlap * other[i]!));
      }
    }
    const length = Math.sqrt(dot(target, target));
    // Some axis keeps at least this much: the squares of what all axes keep add up to the missing dimensions.
    if (length * length < 0.5 / target.length) continue;
    target.forEach((value, i) => (target[i] = value / length));
    return;
  }
}
