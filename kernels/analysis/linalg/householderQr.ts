/**
 * @file Thin QR decomposition M = Q·R by Householder reflections H = I − β·v·vᵀ (Golub & Van Loan, section 5.2). Matrices
 * with few long columns are given transposed, so that each column lies along memory. Q is kept as its reflections.
 */
import { dot, type Matrix, zeros } from './matrix';

export interface ThinQr {
  /** Upper trapezoidal, [k, n] with k = min(m, n). */
  readonly r: Matrix;
  /** Q times each given vector of length k: [count, k] → [count, m], a vector a row. Q has orthonormal columns. */
  readonly timesQ: (vectors: Matrix) => Matrix;
}

/** `columns` is [n, m]: row j is column j of the m × n matrix that is decomposed. */
export function householderQr(columns: Matrix): ThinQr {
  const { rows: n, cols: m } = columns;
  const k = Math.min(m, n);
  const work = columns.data.slice();
  const betas = new Float64Array(k);
  const r = zeros(k, n);
  for (let j = 0; j < k; j++) {
    const v = work.subarray(j * m + j, (j + 1) * m);
    const { alpha, beta } = makeReflection(v);
    betas[j] = beta;
    for (let i = 0; i < j; i++) r.data[i * n + j] = work[j * m + i]!;
    r.data[j * n + j] = alpha;
    for (let c = j + 1; c < n; c++) reflect(v, beta, work.subarray(c * m + j, (c + 1) * m));
  }
  for (let c = k; c < n; c++) {
    for (let i = 0; i < k; i++) r.data[i * n + c] = work[c * m + i]!;
  }
  const timesQ = (vectors: Matrix): Matrix => {
    const out = zeros(vectors.rows, m);
    for (let row = 0; row < vectors.rows; row++) {
      const target = out.data.subarray(row * m, (row + 1) * m);
      target.set(vectors.data.subarray(row * k, (row + 1) * k));
      for (let j = k - 1; j >= 0; j--) reflect(work.subarray(j * m + j, (j + 1) * m), betas[j]!, target.subarray(j));
    }
    return out;
  };
  return { r, timesQ };
}

/** Squares below this lose digits: what is left of a matrix without its rank can be that small. */
const TINY_SQUARE = 1e-270;

/** Turns x in place into the v of a reflection that maps x to (alpha, 0, …, 0). β = 0: x had that form already. */
export function makeReflection(x: Float64Array): { readonly alpha: number; readonly beta: number } {
  const tail = x.subarray(1);
  if (x[0]! * x[0]! + dot(tail, tail) < TINY_SQUARE) {
    const largest = x.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    if (largest === 0) return { alpha: 0, beta: 0 };
    // The direction alone matters for v; divided by a power of two, so that nothing is rounded but what is smallest.
    const unit = 2 ** Math.max(-1022, Math.floor(Math.log2(largest)));
    x.forEach((value, i) => (x[i] = value / unit));
    const { alpha, beta } = makeReflection(x);
    return { alpha: alpha * unit, beta };
  }
  const first = x[0]!;
  const rest = dot(tail, tail);
  if (rest === 0) return { alpha: first, beta: 0 };
  const norm = Math.sqrt(first * first + rest);
  // The sign that adds up, so that nothing cancels.
  const alpha = first > 0 ? -norm : norm;
  const lead = first - alpha;
  x[0] = lead;
  return { alpha, beta: 2 / (lead * lead + rest) };
}

/** y ← (I − β·v·vᵀ)·y */
function reflect(v: Float64Array, beta: number, y: Float64Array): void {
  if (beta === 0) return;
  const factor = beta * dot(v, y);
  for (let i = 0; i < v.length; i++) y[i]! -= factor * v[i]!;
}
