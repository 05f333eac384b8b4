/** @file The rank curves of a run: the spectrum of every adapted layer's delta weight, as records of the run folder. */
import type { AdapterPlan } from '../adapters/plan';
import type { Factors } from '../adapters/types';
import { factoredSingularValues, spectrumMeasures } from '../analysis/spectrum';
import type { SpectrumRecord } from '../protocol/types';
import type { Parameters } from './parameters';

/** One record per adapted layer whose update has factors; values descending. */
export function deltaSpectra(plan: AdapterPlan, parameters: Parameters, step: number): readonly SpectrumRecord[] {
  const { method } = plan;
  if (!method.factors) return [];
  return plan.layers.map(({ site, config, params }): SpectrumRecord => {
    const factors = method.factors?.(parameters.layer(site.path, Object.keys(params)), site, config) as Factors;
    const values = factoredSingularValues([{ ...factors, inFeatures: site.inFeatures, outFeatures: site.outFeatures }]);
    return { step, module: site.path, singular_values: Array.from(values), ...spectrumMeasures(values) };
  });
}
