/** @file Dense matrices in float64, row-major: the currency of the analyses. */
import * as l10n from '@vscode/l10n';
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

export function identity(size: number): Matrix {
  const out = zeros(size, size);
  for (let i = 0; i < size; i++) out.data[i * size + i] = 1;
  return out;
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
  const [n, inner, x] = [b.cols, a.cols, b.data];
  for (let i = 0; i < a.rows; i++) {
    const target = out.data.subarray(i * n, (i + 1) * n);
    let k = 0;
    // Four rows of b at a time: the target is read and written once for all of them.
    for (; k + 3 < inner; k += 4) {
      const at = i * inner + k;
      const [f0, f1, f2, f3] = [a.data[at]!, a.data[at + 1]!, a.data[at + 2]!, a.data[at + 3]!];
      const [r0, r1, r2, r3] = [k * n, (k + 1) * n, (k + 2) * n, (k + 3) * n];
      for (let j = 0; j < n; j++) {
        target[j]! += f0 * x[r0 + j]! + f1 * x[r1 + j]! + (f2 * x[r2 + j]! + f3 * x[r3 + j]!);
      }
    }
    for (; k < inner; k++) axpy(a.data[i * inner + k]!, x.subarray(k * n, (k + 1) * n), target);
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
  for (let i = 0; i < a.rows; i++) dotsInto(out.data, i * b.rows, a, i, b, 0);
  return out;
}

/** a·aᵀ: the dot products of all rows, each computed once. */
export function gram(a: Matrix): Matrix {
  const n = a.rows;
  const out = zeros(n, n);
  for (let i = 0; i < n; i++) {
    dotsInto(out.data, i * n, a, i, a, i);
    for (let j = i + 1; j < n; j++) out.data[j * n + i] = out.data[i * n + j]!;
  }
  return out;
}

/** Row i of a times the rows of b from `first` on, to `out` from the same place behind `at`; four at a time share its loads. */
function dotsInto(out: Float64Array, at: number, a: Matrix, i: number, b: Matrix, first: number): void {
  const n = a.cols;
  const row = a.data.subarray(i * n, (i + 1) * n);
  let j = first;
  for (; j + 3 < b.rows; j += 4) {
    const [r0, r1, r2, r3] = [j * n, (j + 1) * n, (j + 2) * n, (j + 3) * n];
    let [s0, s1, s2, s3] = [0, 0, 0, 0];
    for (let k = 0; k < n; k++) {
      const x = row[k]!;
      s0 += x * b.data[r0 + k]!;
      s1 += x * b.data[r1 + k]!;
      s2 += x * b.data[r2 + k]!;
      s3 += x * b.data[r3 + k]!;
    }
    out[at + j] = s0;
    out[at + j + 1] = s1;
    out[at + j + 2] = s2;
    out[at + j + 3] = s3;
  }
  for (; j < b.rows; j++) out[at + j] = dot(row, b.data.subarray(j * n, (j + 1) * n));
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
      const advice = l10n.t('expected finite weights; has the training diverged?');
      throw new KernelError('runtime/failed', l10n.t('a matrix [{0}, {1}] holds {2}; {3}', rows, cols, value, advice));
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
