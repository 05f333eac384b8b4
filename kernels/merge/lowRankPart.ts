/**
 * @file The best approximation of a layer's delta weight by a product of two factors of a given rank (Eckart & Young 1936),
 * and how far it is from the whole.
 */
import type { AdaptedLayer } from '../adapters/plan';
import type { Matrix } from '../analysis/linalg/matrix';
import { dot, matrix, zeros } from '../analysis/linalg/matrix';
import type { Svd } from '../analysis/linalg/svd';
import { rankForEnergy, truncatedSvd, type Wanted } from '../analysis/linalg/truncatedSvd';
import type { DeltaFactors } from '../analysis/spectrum';
import { factoredSingularValues, factoredSvd, frobeniusOfSpectrum } from '../analysis/spectrum';
import type { Deltas } from '../delta/summedDeltas';

/** B·A with A [rank, in] and B [out, rank], the root of each singular value in both. */
export interface LowRankPart {
  readonly a: Float32Array;
  readonly b: Float32Array;
  readonly rank: number;
  /** What the adapter adds to the bias of the layer. */
  readonly bias: Float32Array | null;
  /** ‖ΔW‖_F */
  readonly norm: number;
  /** Share of the energy ‖ΔW‖_F² that the kept singular values hold: 0 to 1. */
  readonly energy: number;
  /** ‖ΔW − B·A‖_F / ‖ΔW‖_F with the factors as they are returned; 0 for ΔW = 0. */
  readonly error: number;
  /** `factors`: from the method's own, without approximation but for what is cut off. */
  readonly how: 'factors' | 'exact' | 'randomised';
}

/** Rounds values to what will be stored. */
export type Rounding = (values: Float32Array) => Float32Array;

/** Errors as `DeltaWeights.dense`; `runtime/failed` for values that are not finite. At least rank 1. */
export async function lowRankPart(
  deltas: Pick<Deltas, 'terms' | 'dense' | 'bias'>,
  layer: AdaptedLayer,
  wanted: Wanted,
  rounded: Rounding,
): Promise<LowRankPart> {
  const added = await deltas.bias(layer);
  const bias = added && rounded(added);
  const { outFeatures, inFeatures } = layer.site;
  const terms = deltas.terms(layer);
  // Factors wider than the matrix they make are no shorter way to it.
  if (terms && sumOfRanks(terms) < Math.min(outFeatures, inFeatures)) {
    const svd = factoredSvd(terms);
    const part = cut(svd, wanted, frobeniusOfSpectrum(svd.values) ** 2, rounded);
    return { ...part, bias, error: factoredError(terms, part), how: 'factors' };
  }
  const delta = matrix(outFeatures, inFeatures, await deltas.dense(layer));
  const svd = truncatedSvd(delta, wanted);
  const part = cut(svd, wanted, dot(delta.data, delta.data), rounded);
  return { ...part, bias, error: denseError(delta, part), how: svd.how };
}

const sumOfRanks = (terms: readonly DeltaFactors[]): number => terms.reduce((sum, { rank }) => sum + rank, 0);

type Cut = Omit<LowRankPart, 'bias' | 'error' | 'how'>;

function cut({ values, left, right }: Svd, wanted: Wanted, total: number, rounded: Rounding): Cut {
  const noise = (values[0] ?? 0) * 2 ** -52 * Math.max(left.cols, right.cols);
  const present = values.findIndex((value) => value <= noise);
  const available = present < 0 ? values.length : present;
  const goal = 'rank' in wanted ? wanted.rank : rankForEnergy(values, wanted.energy, total);
  const kept = Math.min(goal, available);
  const rank = Math.max(1, kept);
  const a = new Float32Array(rank * right.cols);
  const b = new Float32Array(left.cols * rank);
  let held = 0;
  for (let k = 0; k < kept; k++) {
    const value = values[k]!;
    held += value * value;
    const root = Math.sqrt(value);
    for (let j = 0; j < right.cols; j++) a[k * right.cols + j] = root * right.data[k * right.cols + j]!;
    for (let i = 0; i < left.cols; i++) b[i * rank + k] = root * left.data[k * left.cols + i]!;
  }
  const energy = total === 0 ? 1 : Math.min(1, held / total);
  return { a: rounded(a), b: rounded(b), rank, norm: Math.sqrt(total), energy };
}

/** The difference is low-rank itself: the terms and one more with the opposite sign. */
function factoredError(terms: readonly DeltaFactors[], { a, b, rank, norm }: Cut): number {
  const [first] = terms;
  if (!first || norm === 0) return 0;
  const { inFeatures, outFeatures } = first;
  const opposite = { a, b, rank, scaling: -1, inFeatures, outFeatures };
  return frobeniusOfSpectrum(factoredSingularValues([...terms, opposite])) / norm;
}

function denseError(delta: Matrix, { a, b, rank, norm }: Cut): number {
  if (norm === 0) return 0;
  let sum = 0;
  const row = zeros(1, delta.cols).data;
  for (let i = 0; i < delta.rows; i++) {
    row.set(delta.data.subarray(i * delta.cols, (i + 1) * delta.cols));
    for (let k = 0; k < rank; k++) {
      const factor = b[i * rank + k]!;
      for (let j = 0, at = k * delta.cols; j < delta.cols; j++, at++) row[j]! -= factor * a[at]!;
    }
    sum += dot(row, row);
  }
  return Math.sqrt(sum) / norm;
}
