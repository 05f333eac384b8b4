/**
 * @file All cycles of a run with restarts as one plain LoRA: the factors of every cycle stacked, A one below the other and B side
 * by side, so that its rank is the sum of theirs and its update is theirs to the last bit of each factor.
 */
import type { AdapterPlan, PlannedModel } from '../adapters/plan';
import type { MergedCycle } from '../adapters/restarts';
import { planOfMerged } from '../adapters/restarts';
import type { TensorValues } from '../adapters/storedAdapter';
import { storedAdapter } from '../adapters/storedAdapter';
import type { DeltaFactors } from '../analysis/spectrum';
import { formulaPlan } from '../delta/layerWeights';
import { SummedDeltas } from '../delta/summedDeltas';
import type { TargetSite } from '../models/types';
import { KernelError } from '../protocol/errors';
import type { PlainFactors, PlainLora } from './plainLora';
import { plainLora } from './plainLora';

/**
 * `last`: the adapter that follows on the merged cycles. Undefined where the update of a cycle is not the product of its two
 * tensors: a square matrix (MoRA) is one of factors too, but of some that are many times larger than it is.
 */
export async function stackedCycles(
  model: PlannedModel,
  merged: readonly MergedCycle[],
  last: { readonly plan: AdapterPlan; readonly values: TensorValues },
): Promise<PlainLora | undefined> {
  const { plan, pack } = storedAdapter(last.plan);
  if (!plan.layers.every(({ params }) => 'lora_A' in params && 'lora_B' in params)) return undefined;
  const values = pack(last.values);
  const cycles = merged.map((cycle) => ({ plan: planOfMerged(plan, model, cycle), values: cycle.values }));
  const deltas = new SummedDeltas(
    [...cycles, { plan, values }].map((cycle) => ({ ...cycle, plan: formulaPlan(cycle.plan) })),
    null,
  );
  try {
    const factors = new Map<string, PlainFactors>();
    for (const layer of plan.layers) {
      const terms = deltas.terms(layer);
      if (!terms) return undefined;
      factors.set(layer.site.path, stacked(terms, layer.site));
    }
    return plainLora(model, plan, values, factors, { hasOneRank: false });
  } catch (error) {
    // A rank that no adapter of this model may have: the cycles stay apart.
    if (KernelError.is(error, 'adapter/unsupported')) return undefined;
    throw error;
  } finally {
    await deltas.dispose();
  }
}

/** All A one below the other, all B side by side. One scaling stays outside, so that the factors are those that were trained. */
function stacked(terms: readonly DeltaFactors[], { inFeatures, outFeatures }: TargetSite): PlainFactors {
  const common = terms[0]?.scaling ?? 1;
  const hasOne = terms.every(({ scaling }) => scaling === common);
  const rank = terms.reduce((sum, term) => sum + term.rank, 0);
  const a = new Float32Array(rank * inFeatures);
  const b = new Float32Array(outFeatures * rank);
  let first = 0;
  for (const { a: ownA, b: ownB, rank: own, scaling } of terms) {
    const factor = hasOne ? 1 : scaling;
    for (let i = 0; i < own * inFeatures; i++) a[first * inFeatures + i] = ownA[i] ?? NaN;
    for (let row = 0; row < outFeatures; row++) {
      for (let i = 0; i < own; i++) b[row * rank + first + i] = factor * (ownB[row * own + i] ?? NaN);
    }
    first += own;
  }
  return { a, b, rank, scaling: hasOne ? common : 1, bias: null };
}
