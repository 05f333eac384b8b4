/**
 * @file How much a delta weight amplifies directions that the base weight hardly uses (LoRA, section 7.3 and table 7):
 * ‖ΔW‖_F / ‖U_kᵀ·W·V_k‖_F with the first k singular vectors of ΔW, beside those of W itself and of a random matrix.
 */
import { householderQr } from './linalg/householderQr';
import { dot, type Matrix, multiply, zeros } from './linalg/matrix';
import { singularValues, type Svd } from './linalg/svd';
import { frobeniusOfSpectrum } from './spectrum';

/** A base weight as it was read, row-major. */
export interface DenseWeight {
  readonly rows: number;
  readonly cols: number;
  readonly data: Float32Array | Float64Array;
}

/** Orthonormal vectors as rows: left [count, rows of W], right [count, cols of W]. */
export type Frames = Pick<Svd, 'left' | 'right'>;

export interface AmplificationRow {
  readonly k: number;
  /** ‖U_kᵀ·W·V_k‖_F with the singular vectors of ΔW, of W, and with the random frames. */
  readonly projectionOnDelta: number;
  readonly projectionOnWeight: number;
  readonly projectionOnRandom: number;
  /** ‖ΔW‖_F over the projection on ΔW. */
  readonly amplification: number;
}

export interface Amplification {
  readonly frobeniusDelta: number;
  readonly frobeniusWeight: number;
  readonly rows: readonly AmplificationRow[];
}

/**
 * One row for each k in `counts`, k at most the number of vectors given. `delta` is the decomposition of ΔW. Needs all
 * singular values of W, which is most of the work.
 */
export function amplification(
  weight: DenseWeight,
  delta: Svd,
  random: Frames,
  counts: readonly number[],
): Amplification {
  const own = singularValues({ ...weight, data: Float64Array.from(weight.data) });
  const onDelta = projectionNorms(weight, delta, counts);
  const onRandom = projectionNorms(weight, random, counts);
  const frobeniusDelta = frobeniusOfSpectrum(delta.values);
  const rows = counts.map((k, i) => ({
    k,
    projectionOnDelta: onDelta[i]!,
    // Its own vectors make W diagonal, so only its values remain.
    projectionOnWeight: frobeniusOfSpectrum(own.subarray(0, k)),
    projectionOnRandom: onRandom[i]!,
    amplification: frobeniusDelta / onDelta[i]!,
  }));
  return { frobeniusDelta, frobeniusWeight: frobeniusOfSpectrum(own), rows };
}

/** ‖U_kᵀ·W·V_k‖_F for each k, from one product with the largest k. Never holds W in float64. */
export function projectionNorms(weight: DenseWeight, { left, right }: Frames, counts: readonly number[]): number[] {
  const size = Math.min(Math.max(0, ...counts), left.rows, right.rows);
  const leading = (m: Matrix): Matrix => ({ rows: size, cols: m.cols, data: m.data.subarray(0, size * m.cols) });
  const weightTimesRight = timesTransposed(weight, leading(right)); // [rows of W, size]
  const square = multiply(leading(left), weightTimesRight); // [size, size]
  return counts.map((k) => {
    let sum = 0;
    for (let i = 0; i < Math.min(k, size); i++) {
      for (let j = 0; j < Math.min(k, size); j++) sum += square.data[i * size + j]! ** 2;
    }
    return Math.sqrt(sum);
  });
}

/** W·Vᵀ, a row of W at a time. */
function timesTransposed({ rows, cols, data }: DenseWeight, vectors: Matrix): Matrix {
  const out = zeros(rows, vectors.rows);
  const row = new Float64Array(cols);
  for (let i = 0; i < rows; i++) {
    row.set(data.subarray(i * cols, (i + 1) * cols));
    for (let j = 0; j < vectors.rows; j++) {
      out.data[i * vectors.rows + j] = dot(row, vectors.data.subarray(j * cols, (j + 1) * cols));
    }
  }
  return out;
}

/**
 * Frames distributed like the leading singular vectors of a random Gaussian matrix [rows, cols] (its distribution does not
 * change under rotations, so neither does that of its vectors), without decomposing one. `gaussian` draws from N(0, 1).
 */
export function randomFrames(rows: number, cols: number, count: number, gaussian: () => number): Frames {
  return { left: orthonormalFrame(count, rows, gaussian), right: orthonormalFrame(count, cols, gaussian) };
}

function orthonormalFrame(count: number, dimension: number, gaussian: () => number): Matrix {
  const size = Math.min(count, dimension);
  const { timesQ } = householderQr({
    rows: size,
    cols: dimension,
    data: Float64Array.from({ length: size * dimension }, gaussian),
  });
  const identity = zeros(size, size);
  for (let i = 0; i < size; i++) identity.data[i * size + i] = 1;
  return timesQ(identity);
}
