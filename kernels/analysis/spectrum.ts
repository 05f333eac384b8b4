/**
 * @file The spectrum of a delta weight ΔW = Σ s·B·A given by its factors, without forming it: thin QR of both factors, then
 * the singular value decomposition of the small core R_B·R_Aᵀ. And the numbers that summarise a spectrum.
 */
import type { SpectrumRecord } from '../protocol/types';
import { householderQr, type ThinQr } from './linalg/householderQr';
import { multiplyTransposed, zeros } from './linalg/matrix';
import { singularValues, type Svd, thinSvd } from './linalg/svd';

/** One term s·B·A: A [rank, in], B [out, rank], both row-major. */
export interface DeltaFactors {
  readonly a: ArrayLike<number>;
  readonly b: ArrayLike<number>;
  readonly rank: number;
  readonly scaling: number;
  readonly inFeatures: number;
  readonly outFeatures: number;
}

/**
 * Singular values of the sum of all terms (merged cycles add up), descending: min(out, in, sum of ranks) of them, the others
 * of ΔW are 0. Throws `runtime/failed` for values that are not finite.
 */
export function factoredSingularValues(terms: readonly DeltaFactors[]): Float64Array {
  const { left, right, scale } = stackedQr(terms);
  return singularValues(multiplyTransposed(left.r, right.r)).map((value) => value * scale);
}

/** Matrices, row by row, that together have the singular values of a delta weight: each `times` over, times `scale`. */
export interface SpectrumCore {
  readonly rows: number;
  readonly cols: number;
  readonly data: Float64Array;
  readonly scale: number;
  readonly times: number;
}

/** Their union, descending; the others of the delta weight are 0. */
export function coreSingularValues(cores: readonly SpectrumCore[]): Float64Array {
  const values = cores.flatMap(({ rows, cols, data, scale, times }) => {
    const own = Array.from(singularValues({ rows, cols, data }), (value) => value * scale);
    return Array.from({ length: times }, () => own).flat();
  });
  return Float64Array.from(values).sort((a, b) => b - a);
}

/** Multiply-adds of `factoredSingularValues`, about. */
export function factorsWork(terms: readonly DeltaFactors[]): number {
  const rank = terms.reduce((sum, term) => sum + term.rank, 0);
  const { inFeatures = 0, outFeatures = 0 } = terms[0] ?? {};
  return (inFeatures + outFeatures) * rank ** 2 + rank ** 3;
}

/** Multiply-adds of `coreSingularValues`, about. */
export function coresWork(cores: readonly Pick<SpectrumCore, 'rows' | 'cols'>[]): number {
  return cores.reduce((sum, { rows, cols }) => sum + rows * cols * Math.min(rows, cols), 0);
}

/** As `factoredSingularValues`, with the singular vectors of ΔW, a vector a row: left [count, out], right [count, in]. */
export function factoredSvd(terms: readonly DeltaFactors[]): Svd {
  const { left, right, scale } = stackedQr(terms);
  const core = thinSvd(multiplyTransposed(left.r, right.r));
  return {
    values: core.values.map((value) => value * scale),
    left: left.timesQ(core.left),
    right: right.timesQ(core.right),
  };
}

/**
 * QR of the columns of all B side by side, and of the rows of all A one below the other. Each B has its term's scaling, but
 * for the largest one, which all have in common: `scale`.
 */
function stackedQr(terms: readonly DeltaFactors[]): {
  readonly left: ThinQr;
  readonly right: ThinQr;
  readonly scale: number;
} {
  const scale = terms.reduce((most, { scaling }) => Math.max(most, Math.abs(scaling)), 0) || 1;
  const rank = terms.reduce((sum, term) => sum + term.rank, 0);
  const columnsOfB = zeros(rank, terms[0]?.outFeatures ?? 0);
  const rowsOfA = zeros(rank, terms[0]?.inFeatures ?? 0);
  let first = 0;
  for (const { a, b, rank: r, scaling, inFeatures, outFeatures } of terms) {
    for (let i = 0; i < r * inFeatures; i++) rowsOfA.data[first * inFeatures + i] = a[i]!;
    for (let i = 0; i < outFeatures; i++) {
      for (let j = 0; j < r; j++) columnsOfB.data[(first + j) * outFeatures + i] = (scaling / scale) * b[i * r + j]!;
    }
    first += r;
  }
  return { left: householderQr(columnsOfB), right: householderQr(rowsOfA), scale };
}

/** The summary that a run records with each spectrum; relative: above 1 % of the largest value. */
export function spectrumMeasures(
  values: ArrayLike<number>,
): Pick<SpectrumRecord, 'stable_rank' | 'effective_rank' | 'above_0.1' | 'above_relative'> {
  return {
    stable_rank: stableRank(values),
    effective_rank: effectiveRank(values),
    'above_0.1': countAbove(values, 0.1),
    above_relative: countAbove(values, 0.01 * largest(values)),
  };
}

/** ‖ΔW‖_F²/σ₁²; 0 for ΔW = 0. */
export function stableRank(values: ArrayLike<number>): number {
  const top = largest(values);
  return top === 0 ? 0 : sumOf(values, (value) => (value / top) ** 2);
}

/** exp of the entropy of pᵢ = σᵢ/Σσ (Roy & Vetterli 2007); 0 for ΔW = 0. */
export function effectiveRank(values: ArrayLike<number>): number {
  return exponentialOfEntropy(values, (value) => value);
}

/** The same for the shares of energy pᵢ = σᵢ²/Σσ²: counts directions by how much of ‖ΔW‖_F² they carry. */
export function energyEffectiveRank(values: ArrayLike<number>): number {
  const top = largest(values);
  return exponentialOfEntropy(values, (value) => (value / top) ** 2);
}

function exponentialOfEntropy(values: ArrayLike<number>, weight: (value: number) => number): number {
  if (largest(values) === 0) return 0;
  const total = sumOf(values, weight);
  const entropy = sumOf(values, (value) => {
    const share = weight(value) / total;
    return share === 0 ? 0 : -share * Math.log(share);
  });
  return Math.exp(entropy);
}

/** Values above an absolute limit. */
export function countAbove(values: ArrayLike<number>, limit: number): number {
  return sumOf(values, (value) => (value > limit ? 1 : 0));
}

/** Values above `relative` times the largest. The usual choice for a matrix [m, n]: max(m, n)·2⁻⁵². */
export function numericalRank(values: ArrayLike<number>, relative: number): number {
  return countAbove(values, relative * largest(values));
}

/** √Σσ² */
export function frobeniusOfSpectrum(values: ArrayLike<number>): number {
  const top = largest(values);
  return top === 0 ? 0 : top * Math.sqrt(sumOf(values, (value) => (value / top) ** 2));
}

/** Σσ */
export function nuclearNorm(values: ArrayLike<number>): number {
  return sumOf(values, (value) => value);
}

/** σ₁: the spectral norm. */
export function largest(values: ArrayLike<number>): number {
  let top = 0;
  for (let i = 0; i < values.length; i++) top = Math.max(top, values[i]!);
  return top;
}

function sumOf(values: ArrayLike<number>, term: (value: number) => number): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += term(values[i]!);
  return sum;
}
