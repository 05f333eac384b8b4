/** @file The rank curves of a run: the spectrum of every adapted layer's delta weight, as records of the run folder. */
import type { AdaptedLayer, AdapterPlan } from '../adapters/plan';
import { coreSingularValues, factoredSingularValues, spectrumMeasures } from '../analysis/spectrum';
import type { SpectrumRecord } from '../protocol/types';
import type { Parameters } from './parameters';

/** One record per adapted layer whose update has factors or cores; values descending. */
export function deltaSpectra(plan: AdapterPlan, parameters: Parameters, step: number): readonly SpectrumRecord[] {
  return plan.layers.flatMap((layer): SpectrumRecord[] => {
    const values = layerSpectrum(plan, layer, parameters);
    if (!values) return [];
    return [{ step, module: layer.site.path, singular_values: Array.from(values), ...spectrumMeasures(values) }];
  });
}

function layerSpectrum(
  { method }: AdapterPlan,
  { site, config, params }: AdaptedLayer,
  parameters: Parameters,
): Float64Array | undefined {
  const values = parameters.layer(site.path, Object.keys(params));
  const factors = method.factors?.(values, site, config, parameters.shared);
  if (factors) {
    return factoredSingularValues([{ ...factors, inFeatures: site.inFeatures, outFeatures: site.outFeatures }]);
  }
  const cores = method.cores?.(values, site, config);
  return cores && coreSingularValues(cores);
}
