/**
 * @file Householder reduction of a dense m × n matrix, m ≥ n, to upper bidiagonal form: A = Q·B·Pᵀ (Golub & Kahan 1965).
 * The update of one step and the product of the next share a pass over the matrix, so it is read twice a step, not four times.
 */
import { makeReflection } from './householderQr';
import { type Matrix, zeros } from './matrix';

export interface Bidiagonal {
  /** n values. */
  readonly diagonal: Float64Array;
  /** n − 1 values right of the diagonal. */
  readonly upper: Float64Array;
}

export interface BidiagonalWithVectors extends Bidiagonal {
  /** Q: [m, n], orthonormal columns. */
  readonly q: Matrix;
  /** P: [n, n], orthogonal. */
  readonly p: Matrix;
}

/** The reflections, each starting at its own diagonal (left) or one behind it (right). */
interface Reflections {
  readonly vectors: Float64Array[];
  readonly betas: number[];
}

export function bidiagonalize(a: Matrix): Bidiagonal {
  return reduce(a, undefined);
}

export function bidiagonalizeWithVectors(a: Matrix): BidiagonalWithVectors {
  const sides = { left: { vectors: [], betas: [] }, right: { vectors: [], betas: [] } };
  const bidiagonal = reduce(a, sides);
  return {
    ...bidiagonal,
    q: accumulate(sides.left, 0, a.rows, a.cols),
    p: accumulate(sides.right, 1, a.cols, a.cols),
  };
}

/**
 * Step i, with u the left and v the right reflection, y = β_u·Aᵀu and x = β_v·(A − u·yᵀ)·v, changes the rest of the matrix by
 * A ← A − u·yᵀ − x·vᵀ. Column i + 1 is brought up to date alone, which gives the next u; the pass that updates the rest
 * then also sums up the next y.
 */
function reduce(
  { rows: m, cols: n, data }: Matrix,
  keep: { left: Reflections; right: Reflections } | undefined,
): Bidiagonal {
  const a = data.slice();
  const diagonal = new Float64Array(n);
  const upper = new Float64Array(Math.max(n - 1, 0));
  const [x, v] = [new Float64Array(m), new Float64Array(n)];
  let [u, nextU, y, nextY] = [new Float64Array(m), new Float64Array(m), new Float64Array(n), new Float64Array(n)];
  for (let i = 0; i < n; i++) {
    // Column i as it is after the previous step.
    for (let row = i; row < m; row++) nextU[row] = a[row * n + i]! - u[row]! * y[i]! - x[row]! * v[i]!;
    const left = makeReflection(nextU.subarray(i));
    diagonal[i] = left.alpha;
    nextY.fill(0);
    updateAndSum(a, m, n, i, u, y, x, v, nextU, nextY);
    for (let j = i + 1; j < n; j++) nextY[j]! *= left.beta;
    [u, nextU] = [nextU, u];
    [y, nextY] = [nextY, y];
    keep?.left.vectors.push(u.slice(i));
    keep?.left.betas.push(left.beta);
    if (i + 1 >= n) break;

    for (let j = i + 1; j < n; j++) v[j] = a[i * n + j]! - u[i]! * y[j]!;
    const right = makeReflection(v.subarray(i + 1));
    upper[i] = right.alpha;
    let overlap = 0;
    for (let j = i + 1; j < n; j++) overlap += y[j]! * v[j]!;
    timesVector(a, m, n, i + 1, v, x);
    for (let row = i + 1; row < m; row++) x[row] = right.beta * (x[row]! - u[row]! * overlap);
    keep?.right.vectors.push(v.slice(i + 1));
    keep?.right.betas.push(right.beta);
  }
  return { diagonal, upper };
}

/** A ← A − u·yᵀ − x·vᵀ and sum ← Aᵀ·w over rows i … m − 1 and columns i + 1 … n − 1, two rows at a time. */
function updateAndSum(
  a: Float64Array,
  m: number,
  n: number,
  i: number,
  u: Float64Array,
  y: Float64Array,
  x: Float64Array,
  v: Float64Array,
  w: Float64Array,
  sum: Float64Array,
): void {
  let row = i;
  for (; row + 1 < m; row += 2) {
    const [first, second] = [row * n, row * n + n];
    const [u0, u1, x0, x1, w0, w1] = [u[row]!, u[row + 1]!, x[row]!, x[row + 1]!, w[row]!, w[row + 1]!];
    for (let j = i + 1; j < n; j++) {
      const yj = y[j]!;
      const vj = v[j]!;
      const a0 = a[first + j]! - u0 * yj - x0 * vj;
      const a1 = a[second + j]! - u1 * yj - x1 * vj;
      a[first + j] = a0;
      a[second + j] = a1;
      sum[j]! += w0 * a0 + w1 * a1;
    }
  }
  for (; row < m; row++) {
    for (let j = i + 1; j < n; j++) {
      const value = a[row * n + j]! - u[row]! * y[j]! - x[row]! * v[j]!;
      a[row * n + j] = value;
      sum[j]! += w[row]! * value;
    }
  }
}

/** x ← A·v over rows and columns from i on, four rows at a time. */
function timesVector(a: Float64Array, m: number, n: number, i: number, v: Float64Array, x: Float64Array): void {
  let row = i;
  for (; row + 3 < m; row += 4) {
    const [r0, r1, r2, r3] = [row * n, row * n + n, row * n + 2 * n, row * n + 3 * n];
    let [s0, s1, s2, s3] = [0, 0, 0, 0];
    for (let j = i; j < n; j++) {
      const vj = v[j]!;
      s0 += a[r0 + j]! * vj;
      s1 += a[r1 + j]! * vj;
      s2 += a[r2 + j]! * vj;
      s3 += a[r3 + j]! * vj;
    }
    x[row] = s0;
    x[row + 1] = s1;
    x[row + 2] = s2;
    x[row + 3] = s3;
  }
  for (; row < m; row++) {
    let s = 0;
    for (let j = i; j < n; j++) s += a[row * n + j]! * v[j]!;
    x[row] = s;
  }
}

/** The first `cols` columns of the product of all reflections, [rows, cols]; reflection i acts from `i + shift` on. */
function accumulate({ vectors, betas }: Reflections, shift: number, rows: number, cols: number): Matrix {
  const out = zeros(rows, cols);
  for (let i = 0; i < cols; i++) out.data[i * cols + i] = 1;
  const sum = new Float64Array(cols);
  // Backwards, so that reflection i meets only the part that is no longer the identity.
  for (let i = vectors.length - 1; i >= 0; i--) {
    const [vector, beta, start] = [vectors[i]!, betas[i]!, i + shift];
    if (beta === 0) continue;
    sum.fill(0);
    for (let row = start; row < rows; row++) {
      const w = beta * vector[row - start]!;
      for (let j = start, at = row * cols + start; j < cols; j++, at++) sum[j]! += w * out.data[at]!;
    }
    for (let row = start; row < rows; row++) {
      const w = vector[row - start]!;
      for (let j = start, at = row * cols + start; j < cols; j++, at++) out.data[at]! -= w * sum[j]!;
    }
  }
  return out;
}
