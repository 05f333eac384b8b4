/** @file Dense matrices in float64, row-major: the currency of the analyses. */
import { KernelError } from '../../protocol/errors';

export interface Matrix {
  readonly rows: number;
  readonly cols: number;
  /** Element (i, j) at `i * cols + j`. */
  readonly data: Float64Array;
}

export function zeros(rows: number, cols: number): Matrix {
  return { rows, cols, data: new Float64Array(rows * cols) };
}

/** A copy in float64 of values given row by row. Throws when the number of values does not fit. */
export function matrix(rows: number, cols: number, values: ArrayLike<number>): Matrix {
  if (values.length !== rows * cols) {
    throw new KernelError('internal', `${values.length} values for a matrix [${rows}, ${cols}]`);
  }
  return { rows, cols, data: Float64Array.from(values) };
}

export function transpose({ rows, cols, data }: Matrix): Matrix {
  const out = zeros(cols, rows);
  for (let i = 0; i < rows; i++) {
    for (let j = 0, at = i * cols; j < cols; j++, at++) out.data[j * rows + i] = data[at]!;
  }
  return out;
}

/** a·b: [m, k] times [k, n]. */
export function multiply(a: Matrix, b: Matrix): Matrix {
  if (a.cols !== b.rows) {
    throw new KernelError('internal', `[${a.rows}, ${a.cols}] times [${b.rows}, ${b.cols}] is not defined`);
  }
  const out = zeros(a.rows, b.cols);
  const n = b.cols;
  for (let i = 0; i < a.rows; i++) {
    const target = out.data.subarray(i * n, (i + 1) * n);
    for (let k = 0; k < a.cols; k++) axpy(a.data[i * a.cols + k]!, b.data.subarray(k * n, (k + 1) * n), target);
  }
  return out;
}

/** y += factor·x */
function axpy(factor: number, x: Float64Array, y: Float64Array): void {
  for (let i = 0; i < y.length; i++) y[i]! += factor * x[i]!;
}

/** a·bᵀ: [m, k] times [n, k], every element one dot product along memory. */
export function multiplyTransposed(a: Matrix, b: Matrix): Matrix {
  if (a.cols !== b.cols) {
    throw new KernelError('internal', `[${a.rows}, ${a.cols}] times [${b.rows}, ${b.cols}]ᵀ is not defined`);
  }
  const out = zeros(a.rows, b.rows);
  for (let i = 0; i < a.rows; i++) {
    const row = a.data.subarray(i * a.cols, (i + 1) * a.cols);
    for (let j = 0; j < b.rows; j++) out.data[i * b.rows + j] = dot(row, b.data.subarray(j * b.cols, (j + 1) * b.cols));
  }
  return out;
}

/** Σ aᵢbᵢ in four partial sums, which keeps the floating-point unit busy and the rounding error small. */
export function dot(a: Float64Array, b: Float64Array): number {
  const n = a.length;
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  let i = 0;
  for (; i + 3 < n; i += 4) {
    s0 += a[i]! * b[i]!;
    s1 += a[i + 1]! * b[i + 1]!;
    s2 += a[i + 2]! * b[i + 2]!;
    s3 += a[i + 3]! * b[i + 3]!;
  }
  for (; i < n; i++) s0 += a[i]! * b[i]!;
  return s0 + s1 + (s2 + s3);
}

export function frobeniusNorm({ data }: Matrix): number {
  return Math.sqrt(dot(data, data));
}

/** The largest magnitude. Throws `runtime/failed` when a value is not finite: no decomposition exists then. */
export function largestMagnitude({ data, rows, cols }: Matrix): number {
  let largest = 0;
  for (const value of data) {
    const magnitude = Math.abs(value);
    if (!(magnitude <= Number.MAX_VALUE)) {
      const advice = 'expected finite weights; has the training diverged?';
      throw new KernelError('runtime/failed', `a matrix [${rows}, ${cols}] holds ${value}; ${advice}`);
    }
    if (magnitude > largest) largest = magnitude;
  }
  return largest;
}

/**
 * The matrix divided by its largest magnitude, so that squares neither overflow nor vanish; `undefined` for a matrix of
 * zeros. Throws as `largestMagnitude` does.
 */
export function scaledToOne(a: Matrix): { readonly matrix: Matrix; readonly scale: number } | undefined {
  const scale = largestMagnitude(a);
  return scale === 0 ? undefined : { matrix: { ...a, data: a.data.map((value) => value / scale) }, scale };
}
