/**
 * @file The spectra of everything that a run with restarts added to the base model: of the merged cycles and of the adapter
 * that is being trained. From the factors of all cycles where the method has them, else from the delta weights themselves.
 */
import type { AdaptedLayer, AdapterPlan } from '../adapters/plan';
import type { MergedCycle } from '../adapters/restarts';
import { matrix } from '../analysis/linalg/matrix';
import { singularValues } from '../analysis/linalg/svd';
import { factoredSingularValues, numericalRank } from '../analysis/spectrum';
import type { BaseModel } from '../models/baseModel';
import { CycleDeltas } from '../weights/cycleDeltas';
import type { Parameters } from './parameters';

/** Arithmetic that one spectrum may take: the product of the two smaller sizes and the larger one. */
const MOST_WORK = 2 ** 28;
/** Singular values below this share of the largest one come from rounding to float32. */
const ROUNDING = 1e-6;

export interface LayerValues {
  readonly layer: AdaptedLayer;
  /** Descending. */
  readonly values: Float64Array;
}

/**
 * The singular values of the whole update of each layer; layers for which that is too costly are left out. Without
 * `parameters` only what was merged counts. `base`: the model that the run began with.
 */
export async function accumulatedSpectra(
  plan: AdapterPlan,
  base: BaseModel,
  cycles: readonly MergedCycle[],
  parameters: Parameters | null,
  only: (layer: AdaptedLayer) => boolean = () => true,
): Promise<readonly LayerValues[]> {
  const deltas = new CycleDeltas(plan, base, cycles, parameters, (site) => base.checkpoint.readF32(site.weight));
  const spectra: LayerValues[] = [];
  try {
    for (const layer of plan.layers.filter(only)) {
      const { inFeatures, outFeatures } = layer.site;
      const terms = deltas.terms(layer);
      const [short, long] = [Math.min(inFeatures, outFeatures), Math.max(inFeatures, outFeatures)];
      const rank = terms?.reduce((sum, term) => sum + term.rank, 0) ?? short;
      if (Math.min(rank, short) ** 2 * long > MOST_WORK) continue;
      const values = terms
        ? factoredSingularValues(terms)
        : singularValues(matrix(outFeatures, inFeatures, await deltas.dense(layer)));
      spectra.push({ layer, values });
    }
    return spectra;
  } finally {
    await deltas.dispose();
  }
}

/** Mean over the layers of how many singular values are more than rounding; undefined where no layer's are known. */
export function meanRank(spectra: readonly LayerValues[]): number | undefined {
  if (spectra.length === 0) return undefined;
  return spectra.reduce((sum, { values }) => sum + numericalRank(values, ROUNDING), 0) / spectra.length;
}
