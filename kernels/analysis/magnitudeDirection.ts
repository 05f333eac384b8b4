/**
 * @file How training changed a weight, split as DoRA does (section 3.2 of its paper): ΔM = mean |‖w′‖ − ‖w‖| and
 * ΔD = mean (1 − cos(w′, w)) over the vectors w of the weight. By default a vector is an output row, as in DoRA's code; the
 * paper's text says columns.
 */
import { KernelError } from '../protocol/errors';

/** A base weight and what training made of it, both [rows, cols], given a row at a time; a row may be reused. */
export interface ChangedWeight {
  readonly rows: number;
  readonly cols: number;
  base(row: number): ArrayLike<number>;
  tuned(row: number): ArrayLike<number>;
}

export interface MagnitudeDirection {
  readonly magnitude: number;
  readonly direction: number;
}

/** Vectors of length zero have no direction: they count as unchanged when both are zero, else as a change of 1. */
export function magnitudeDirectionChange(
  weight: ChangedWeight,
  axis: 'output-row' | 'input-column' = 'output-row',
): MagnitudeDirection {
  const count = axis === 'output-row' ? weight.rows : weight.cols;
  const sums = new VectorSums(count);
  for (let i = 0; i < weight.rows; i++) {
    const [base, tuned] = [weight.base(i), weight.tuned(i)];
    for (let j = 0; j < weight.cols; j++) sums.add(axis === 'output-row' ? i : j, base[j]!, tuned[j]!);
  }
  return sums.change();
}

/** Sums over each vector from which both changes follow without the cancellation of 1 − cos. */
class VectorSums {
  readonly #base: Float64Array;
  readonly #tuned: Float64Array;
  /** Σ (w′ − w)² */
  readonly #step: Float64Array;
  /** Σ (w′ − w)(w′ + w) = ‖w′‖² − ‖w‖² */
  readonly #gain: Float64Array;

  constructor(private readonly count: number) {
    const sums = (): Float64Array => new Float64Array(count);
    [this.#base, this.#tuned, this.#step, this.#gain] = [sums(), sums(), sums(), sums()];
  }

  add(vector: number, base: number, tuned: number): void {
    const step = tuned - base;
    this.#base[vector]! += base * base;
    this.#tuned[vector]! += tuned * tuned;
    this.#step[vector]! += step * step;
    this.#gain[vector]! += step * (tuned + base);
  }

  change(): MagnitudeDirection {
    let [magnitude, direction] = [0, 0];
    for (let i = 0; i < this.count; i++) {
      const [base, tuned] = [Math.sqrt(this.#base[i]!), Math.sqrt(this.#tuned[i]!)];
      const total = base + tuned;
      if (total === 0) continue;
      const grown = this.#gain[i]! / total; // ‖w′‖ − ‖w‖
      magnitude += Math.abs(grown);
      // ‖w′‖‖w‖ − w′·w = (‖w′ − w‖² − (‖w′‖ − ‖w‖)²)/2
      direction += base === 0 || tuned === 0 ? 1 : (this.#step[i]! - grown * grown) / (2 * base * tuned);
    }
    return { magnitude: magnitude / this.count, direction: direction / this.count };
  }
}

/** Rows of W + s·B·A without the product: A [rank, in], B [out, rank]. The returned row is reused. */
export function rowsWithDelta(
  base: (row: number) => ArrayLike<number>,
  delta: {
    readonly a: ArrayLike<number>;
    readonly b: ArrayLike<number>;
    readonly rank: number;
    readonly scaling: number;
  },
): (row: number) => Float64Array {
  const { a, b, rank, scaling } = delta;
  const cols = a.length / rank;
  const out = new Float64Array(cols);
  return (row) => {
    const weight = base(row);
    for (let j = 0; j < cols; j++) out[j] = weight[j]!;
    for (let k = 0; k < rank; k++) {
      const factor = scaling * b[row * rank + k]!;
      for (let j = 0; j < cols; j++) out[j]! += factor * a[k * cols + j]!;
    }
    return out;
  };
}

/**
 * Over points of many layers and checkpoints: Pearson's correlation of ΔM and ΔD, and the least-squares slope of ΔM on ΔD.
 * DoRA's paper finds −0.62 for full fine-tuning, +0.83 for LoRA, −0.31 for DoRA. Needs two points that differ.
 */
export function magnitudeDirectionTrend(points: readonly MagnitudeDirection[]): {
  readonly correlation: number;
  readonly slope: number;
} {
  const mean = (of: (p: MagnitudeDirection) => number): number =>
    points.reduce((sum, p) => sum + of(p), 0) / points.length;
  const [meanM, meanD] = [mean((p) => p.magnitude), mean((p) => p.direction)];
  const mm = mean((p) => (p.magnitude - meanM) ** 2);
  const dd = mean((p) => (p.direction - meanD) ** 2);
  const md = mean((p) => (p.magnitude - meanM) * (p.direction - meanD));
  if (!(mm > 0 && dd > 0)) {
    throw new KernelError('input/refused', `${points.length} points that do not differ; expected at least two that do`);
  }
  return { correlation: md / Math.sqrt(mm * dd), slope: md / dd };
}
