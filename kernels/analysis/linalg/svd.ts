/**
 * @file Singular values and vectors of dense matrices of any shape: QR first when long, then bidiagonal form, then implicit
 * QR. The accuracy is absolute: a few times 2⁻⁵³ of the largest value.
 */
import { bidiagonalize, bidiagonalizeWithVectors } from './bidiagonalize';
import { bidiagonalSingularValues, type Rotations } from './bidiagonalQr';
import { householderQr } from './householderQr';
import { jacobiSvd } from './jacobiSvd';
import { type Matrix, scaledToOne, transpose } from './matrix';
import { type Svd, sortedSvd } from './svdTypes';

export type { Svd } from './svdTypes';

/** From this ratio of rows to columns on, a QR decomposition first saves work. */
const LONG = 1.5;
/** Up to this size Jacobi's method gives the vectors as fast. */
const SMALL = 12;

/** All min(rows, cols) singular values, descending. Throws `runtime/failed` for values that are not finite. */
export function singularValues(a: Matrix): Float64Array {
  if (a.rows < a.cols) return singularValues(transpose(a));
  const scaled = scaledToOne(a);
  if (!scaled) return new Float64Array(a.cols);
  const core = a.rows > LONG * a.cols ? householderQr(transpose(scaled.matrix)).r : scaled.matrix;
  const values = bidiagonalSingularValues(bidiagonalize(core));
  return values.map((value) => Math.abs(value) * scaled.scale).sort((x, y) => y - x);
}

/** The thin decomposition. Throws `runtime/failed` for values that are not finite. */
export function thinSvd(a: Matrix): Svd {
  if (a.rows < a.cols) {
    const { values, left, right } = thinSvd(transpose(a));
    return { values, left: right, right: left };
  }
  const scaled = scaledToOne(a);
  if (!scaled) return jacobiSvd(a);
  const { values, left, right } = decompose(scaled.matrix);
  return { values: values.map((value) => value * scaled.scale), left, right };
}

/** For rows ≥ cols and values of a size that can be squared. */
function decompose(a: Matrix): Svd {
  if (a.rows > LONG * a.cols) {
    const { r, timesQ } = householderQr(transpose(a));
    const { values, left, right } = decompose(r);
    return { values, left: timesQ(left), right };
  }
  if (a.cols <= SMALL) return jacobiSvd(a);
  const { q, p, ...bidiagonal } = bidiagonalizeWithVectors(a);
  const signed = bidiagonalSingularValues(bidiagonal, ({ from, to, left, right }) => {
    rotateColumns(q, from, to, left);
    rotateColumns(p, from, to, right);
  });
  const right = transpose(p);
  signed.forEach((value, i) => {
    if (value >= 0) return;
    const row = right.data.subarray(i * right.cols, (i + 1) * right.cols);
    row.forEach((x, j) => (row[j] = -x));
  });
  return sortedSvd(signed.map(Math.abs), transpose(q), right);
}

/**
 * Turns columns i and i + 1 of a matrix for all rotations of a sweep, in their order. Row by row: each row runs through the
 * whole sweep, with the element that two neighbouring rotations share in a register; four rows hide its latency.
 */
function rotateColumns({ rows, cols, data }: Matrix, from: number, to: number, { cosines, sines }: Rotations): void {
  let row = 0;
  for (; row + 3 < rows; row += 4) {
    const [r0, r1, r2, r3] = [row * cols, (row + 1) * cols, (row + 2) * cols, (row + 3) * cols];
    let x0 = data[r0 + from]!;
    let x1 = data[r1 + from]!;
    let x2 = data[r2 + from]!;
    let x3 = data[r3 + from]!;
    for (let i = from; i < to; i++) {
      const c = cosines[i]!;
      const s = sines[i]!;
      const y0 = data[r0 + i + 1]!;
      const y1 = data[r1 + i + 1]!;
      const y2 = data[r2 + i + 1]!;
      const y3 = data[r3 + i + 1]!;
      data[r0 + i] = c * x0 + s * y0;
      data[r1 + i] = c * x1 + s * y1;
      data[r2 + i] = c * x2 + s * y2;
      data[r3 + i] = c * x3 + s * y3;
      x0 = c * y0 - s * x0;
      x1 = c * y1 - s * x1;
      x2 = c * y2 - s * x2;
      x3 = c * y3 - s * x3;
    }
    data[r0 + to] = x0;
    data[r1 + to] = x1;
    data[r2 + to] = x2;
    data[r3 + to] = x3;
  }
  for (; row < rows; row++) {
    const at = row * cols;
    let x = data[at + from]!;
    for (let i = from; i < to; i++) {
      const y = data[at + i + 1]!;
      data[at + i] = cosines[i]! * x + sines[i]! * y;
      x = cosines[i]! * y - sines[i]! * x;
    }
    data[at + to] = x;
  }
}
