/** @file The rank curves of a run: the spectrum of every adapted layer's delta weight, as records of the run folder. */
import type { AdapterPlan } from '../adapters/plan';
import { spectrumMeasures } from '../analysis/spectrum';
import { DeltaWeights } from '../delta/deltaWeights';
import { formulaPlan } from '../delta/layerWeights';
import type { SpectrumRecord } from '../protocol/types';
import type { Parameters } from './parameters';

/** One record per adapted layer whose update has factors or cores; values descending. */
export function deltaSpectra(plan: AdapterPlan, parameters: Parameters, step: number): readonly SpectrumRecord[] {
  const deltas = new DeltaWeights(formulaPlan(plan), parameters, null);
  return plan.layers.flatMap((layer): SpectrumRecord[] => {
    const values = deltas.cheapSpectrum(layer);
    if (!values) return [];
    return [{ step, module: layer.site.path, singular_values: Array.from(values), ...spectrumMeasures(values) }];
  });
}
