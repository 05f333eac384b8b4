/**
 * @file One-sided Jacobi singular value decomposition (Hestenes): rotates pairs of columns until all are orthogonal; their
 * lengths are then the singular values. Simple and accurate; for small matrices.
 */
import { KernelError } from '../../protocol/errors';
import { dot, frobeniusNorm, type Matrix, scaledToOne, transpose, zeros } from './matrix';
import { normalizedRows, type Svd, sortedSvd } from './svdTypes';

const MAX_SWEEPS = 60;

/**
 * The thin decomposition of a matrix of any shape, sorted. Values below 2⁻⁵² of the matrix's norm are rounding noise and come
 * out as 0. Throws `runtime/failed` for values that are not finite.
 */
export function jacobiSvd(a: Matrix): Svd {
  if (a.rows < a.cols) {
    const { values, left, right } = jacobiSvd(transpose(a));
    return { values, left: right, right: left };
  }
  const { matrix: scaled, scale } = scaledToOne(a) ?? { matrix: a, scale: 1 };
  // Columns as rows: a·V = U·Σ, so `columns` becomes (U·Σ)ᵀ and `rotations` Vᵀ.
  const columns = transpose(scaled);
  const noise = Number.EPSILON * frobeniusNorm(scaled);
  const rotations = zeros(a.cols, a.cols);
  for (let i = 0; i < a.cols; i++) rotations.data[i * a.cols + i] = 1;
  for (let sweep = 0; rotateAllPairs(columns, rotations, noise); sweep++) {
    if (sweep === MAX_SWEEPS) throw new KernelError('internal', `no convergence for [${a.rows}, ${a.cols}]`);
  }
  const { values, rows } = normalizedRows(columns, noise);
  return sortedSvd(
    values.map((value) => value * scale),
    rows,
    rotations,
  );
}

/** One pass over all pairs; false when all were orthogonal already. */
function rotateAllPairs(columns: Matrix, rotations: Matrix, noise: number): boolean {
  const { rows: n, cols: m } = columns;
  const tolerance = Number.EPSILON * Math.sqrt(m);
  let isRotated = false;
  for (let p = 0; p < n - 1; p++) {
    const x = columns.data.subarray(p * m, (p + 1) * m);
    for (let q = p + 1; q < n; q++) {
      const y = columns.data.subarray(q * m, (q + 1) * m);
      const [alpha, beta, gamma] = [dot(x, x), dot(y, y), dot(x, y)];
      // A column of noise is orthogonal to nothing for long: turning it would never end.
      if (Math.min(alpha, beta) <= noise * noise) continue;
      if (Math.abs(gamma) <= tolerance * Math.sqrt(alpha * beta)) continue;
      // The smaller angle that makes the two columns orthogonal.
      const zeta = (beta - alpha) / (2 * gamma);
      const tangent = (zeta < 0 ? -1 : 1) / (Math.abs(zeta) + Math.sqrt(1 + zeta * zeta));
      const cosine = 1 / Math.sqrt(1 + tangent * tangent);
      rotate(x, y, cosine, cosine * tangent);
      const v = rotations.data;
      rotate(v.subarray(p * n, (p + 1) * n), v.subarray(q * n, (q + 1) * n), cosine, cosine * tangent);
      isRotated = true;
    }
  }
  return isRotated;
}

/** (x, y) ← (c·x − s·y, s·x + c·y) */
function rotate(x: Float64Array, y: Float64Array, cosine: number, sine: number): void {
  for (let i = 0; i < x.length; i++) {
    const [xi, yi] = [x[i]!, y[i]!];
    x[i] = cosine * xi - sine * yi;
    y[i] = sine * xi + cosine * yi;
  }
}
