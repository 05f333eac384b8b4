/**
 * @file Rank curves of delta weights that nothing smaller than the whole matrix has: those of DoRA, whose rows change their
 * lengths, and of some shapes of MoRA. A run follows as many layers as it can afford, and fewer times than the cheap curves.
 */
import type { AdaptedLayer, AdapterPlan } from '../adapters/plan';
import { DeltaWeights } from '../delta/deltaWeights';
import { formulaPlan } from '../delta/layerWeights';
import type { BaseModel } from '../models/baseModel';
import type { TargetSite } from '../models/types';
import { affordable, CHEAP_WORK } from './baseSpectra';
import type { Parameters } from './parameters';

/** Of ‖W‖_F: what rounding to float32 leaves of W' − W where nothing has changed, with the rounding of the row norms. */
const ROUNDING = 2 ** -20;

/** Depends on the plan alone, so that a resumed run follows the same layers. `cheap`: tells of shapes, not of values. */
export function followedLayers(plan: AdapterPlan, cheap: Pick<DeltaWeights, 'spectrumWork'>): readonly AdaptedLayer[] {
  const { method, config, layers } = plan;
  // What no weight does exactly is not what the adapter adds.
  if (!method.mergedWeight || method.approximates?.(config) !== undefined) return [];
  const dense = layers.filter((layer) => layer.site.kind !== 'embedding' && cheap.spectrumWork(layer) === 0);
  return affordable(dense, CHEAP_WORK);
}

export interface WholeSpectrum {
  readonly layer: AdaptedLayer;
  /** Descending; what is only rounding is 0. */
  readonly values: Float64Array;
}

export async function wholeSpectra(
  layers: readonly AdaptedLayer[],
  plan: AdapterPlan,
  parameters: Parameters,
  { checkpoint }: Pick<BaseModel, 'checkpoint'>,
): Promise<readonly WholeSpectrum[]> {
  let norm = 0;
  const read = ({ weight }: TargetSite): Float32Array => {
    const values = checkpoint.readF32(weight);
    norm = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
    return values;
  };
  const deltas = new DeltaWeights(formulaPlan(plan), parameters, read);
  try {
    const spectra: WholeSpectrum[] = [];
    for (const layer of layers) {
      norm = 0; // stays 0 where the formula needs no base weight
      const values = await deltas.spectrum(layer);
      const least = ROUNDING * norm;
      spectra.push({ layer, values: values.map((value) => (value > least ? value : 0)) });
    }
    return spectra;
  } finally {
    await deltas.dispose();
  }
}
