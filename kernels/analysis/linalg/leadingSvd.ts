/**
 * @file The first singular values and vectors of a dense matrix to nearly the accuracy of the whole decomposition, by Golub-
 * Kahan-Lanczos bidiagonalisation with full reorthogonalisation (Golub & Van Loan, section 10.4). It finds values that lie
 * close together, as those of trained weights do, long before the subspace iteration of truncatedSvd.ts tells them apart.
 */
import { createRandom, normalStream } from '../../util/random';
import { dot, largestMagnitude, type Matrix, multiply, multiplyTransposed, transpose, zeros } from './matrix';
import { thinSvd } from './svd';
import type { Svd } from './svdTypes';

/** Up to this size the whole decomposition takes a blink. */
const SMALL = 96;
/** Above this share of all values, so much of the matrix is wanted that the whole decomposition is as fast. */
const MOST_WANTED = 1 / 4;
const MOST_STEPS = 3 / 4;
/** What a pair may be off, as a share of the largest value. */
const TOLERANCE = 1e-11;
/** Steps in what is left of the matrix, to see that no value as large was passed over. */
const CHECKED = 24;

/**
 * `count` values, descending, and their vectors. Of each pair, the largest element of the right vector is positive. Throws
 * `runtime/failed` for values that are not finite.
 */
export function leadingSvd(a: Matrix, count: number): Svd {
  const wide = a.rows < a.cols ? transpose(a) : a;
  const shortest = Math.min(a.rows, a.cols);
  const isWorthIt = shortest > SMALL && count <= MOST_WANTED * shortest && largestMagnitude(a) > 0;
  const found = (isWorthIt ? lanczos(wide, count) : undefined) ?? thinSvd(wide);
  const { values, left, right } = first(found, count);
  return signed(a.rows < a.cols ? { values, left: right, right: left } : { values, left, right });
}

/** Undefined where the method does not get there: equal values, of which it sees one, or too many that are close. */
function lanczos(a: Matrix, count: number): Svd | undefined {
  const most = Math.floor(MOST_STEPS * a.cols);
  const basis = new Bidiagonal(a, most);
  if (!basis.begin(1)) return undefined;
  for (let next = 2 * count + 24; basis.steps < most; next = Math.ceil(1.25 * next)) {
    while (basis.steps < Math.min(next, most)) if (!basis.step()) return undefined;
    const { values, left, right } = thinSvd(basis.matrix());
    const limit = TOLERANCE * (values[0] ?? NaN);
    const last = basis.steps - 1;
    const isFound = (i: number): boolean => basis.beta * Math.abs(left.data[i * left.cols + last] ?? NaN) <= limit;
    if (!Array.from({ length: count }, (_, i) => isFound(i)).every(Boolean)) continue;
    const [mixedLeft, mixedRight] = [rows(left, count), rows(right, count)];
    const svd: Svd = {
      values: values.slice(0, count),
      left: multiply(mixedLeft, basis.leftVectors()),
      right: multiply(mixedRight, basis.rightVectors()),
    };
    return isComplete(a, svd) ? svd : undefined;
  }
  return undefined;
}

/** Whether no value of what is left of the matrix is larger than the last one found. */
function isComplete(a: Matrix, { values, left, right }: Svd): boolean {
  const rest = new Bidiagonal(a, CHECKED, left, right);
  if (!rest.begin(2)) return true;
  for (let i = 0; i < CHECKED; i++) if (!rest.step()) break;
  if (rest.steps === 0) return true;
  const [largest = NaN] = thinSvd(rest.matrix()).values;
  return largest <= (values.at(-1) ?? NaN) * (1 + 1e-9);
}

/** A·V = U·B with orthonormal vectors, one more with each step, at right angles to those `without`. */
class Bidiagonal {
  steps = 0;
  /** The element of B that the next step would add above its diagonal. */
  beta = 0;
  private readonly alphas: number[] = [];
  private readonly betas: number[] = [];
  private readonly left: Basis;
  private readonly right: Basis;
  private readonly floor: number;

  constructor(
    private readonly a: Matrix,
    most: number,
    left: Matrix = zeros(0, a.rows),
    right: Matrix = zeros(0, a.cols),
  ) {
    this.left = new Basis(left, most + 1);
    this.right = new Basis(right, most + 1);
    this.floor = 1e-13 * Math.sqrt(dot(a.data, a.data));
  }

  /** From a random direction, the same at every call; false: there is none left. */
  begin(seed: number): boolean {
    const random = createRandom(seed, this.a.cols);
    const normal = normalStream(() => (random.uint32() + 0.5) * 2 ** -32);
    return this.right.add(Float64Array.from({ length: this.a.cols }, normal), 0) > 0;
  }

  /** False: the vectors so far span all that the matrix makes of the first one. */
  step(): boolean {
    const { a, left, right, floor } = this;
    const alpha = left.add(multiplyTransposed(right.newest(), a).data, floor);
    if (alpha === 0) return false;
    if (this.steps > 0) this.betas.push(this.beta);
    this.alphas.push(alpha);
    this.steps++;
    this.beta = right.add(multiply(left.newest(), a).data, floor);
    return this.beta > 0;
  }

  /** B [steps, steps]. */
  matrix(): Matrix {
    const out = zeros(this.steps, this.steps);
    for (let i = 0; i < this.steps; i++) {
      out.data[i * this.steps + i] = this.alphas[i] ?? NaN;
      if (i + 1 < this.steps) out.data[i * this.steps + i + 1] = this.betas[i] ?? NaN;
    }
    return out;
  }

  leftVectors = (): Matrix => this.left.vectors(this.steps);
  rightVectors = (): Matrix => this.right.vectors(this.steps);
}

/** Orthonormal vectors, a row each. */
class Basis {
  private readonly all: Matrix;
  private count: number;

  constructor(
    private readonly without: Matrix,
    most: number,
  ) {
    this.count = without.rows;
    this.all = zeros(without.rows + most, without.cols);
    this.all.data.set(without.data);
  }

  /** Adds what of a vector is at right angles to all others, with length 1. Its length before; 0, and nothing added, below `floor`. */
  add(vector: Float64Array, floor: number): number {
    const width = this.all.cols;
    // Once more, for what cancellation left.
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < this.count; i++) {
        const other = this.all.data.subarray(i * width, (i + 1) * width);
        const share = dot(other, vector);
        for (let j = 0; j < width; j++) vector[j]! -= share * other[j]!;
      }
    }
    const length = Math.sqrt(dot(vector, vector));
    if (!(length > floor)) return 0;
    this.all.data.set(
      vector.map((v) => v / length),
      this.count++ * width,
    );
    return length;
  }

  newest(): Matrix {
    return rows(this.all, 1, this.count - 1);
  }

  vectors(count: number): Matrix {
    return rows(this.all, count, this.without.rows);
  }
}

const rows = ({ cols, data }: Matrix, count: number, from = 0): Matrix => ({
  rows: count,
  cols,
  data: data.subarray(from * cols, (from + count) * cols),
});

const first = ({ values, left, right }: Svd, count: number): Svd => ({
  values: values.slice(0, count),
  left: { ...rows(left, count), data: left.data.slice(0, count * left.cols) },
  right: { ...rows(right, count), data: right.data.slice(0, count * right.cols) },
});

/** Changes the vectors in place. Elements as large as the largest but for rounding count as equal: the first of them decides. */
function signed(svd: Svd): Svd {
  svd.values.forEach((_, i) => {
    const [left, right] = [rows(svd.left, 1, i).data, rows(svd.right, 1, i).data];
    const largest = right.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
    const decisive = right.find((v) => Math.abs(v) >= largest * (1 - 1e-6)) ?? 0;
    if (decisive >= 0) return;
    for (const vector of [left, right]) vector.forEach((v, j) => (vector[j] = -v));
  });
  return svd;
}
