/** @file Delta weights of every method: factors, cores and the dense matrix say the same, with and without the base. */
import { describe, expect, it } from 'vitest';
import { loadAdapter } from '../../../kernels/adapters/adapterFile';
import { MORA_TYPES } from '../../../kernels/adapters/squareOperators';
import { matrix } from '../../../kernels/analysis/linalg/matrix';
import { singularValues } from '../../../kernels/analysis/linalg/svd';
import type { DeltaFactors } from '../../../kernels/analysis/spectrum';
import { DeltaWeights } from '../../../kernels/delta/deltaWeights';
import { formulaPlan, LayerWeights } from '../../../kernels/delta/layerWeights';
import { openBaseModel } from '../../../kernels/models/baseModel';
import { mergedOnLayers, trainedAdapter } from '../../support/trainedAdapter';

type Config = Readonly<Record<string, unknown>>;

const CONFIGS: Readonly<Record<string, readonly Config[]>> = {
  mora: MORA_TYPES.map((mora_type) => ({ mora_type })),
  reslora: [
    { variant: 'bs' },
    { variant: 'is' },
    { variant: 'is', merge: 'weight' },
    { variant: 'ms' },
    { variant: 'ms', merge: 'weight' },
  ],
};

const cases = mergedOnLayers.flatMap(({ id }) => (CONFIGS[id] ?? [{}]).map((config) => [id, config] as const));

function productOf(terms: readonly DeltaFactors[]): Float64Array {
  const { outFeatures, inFeatures } = terms[0]!;
  const out = new Float64Array(outFeatures * inFeatures);
  for (const { a, b, rank, scaling } of terms) {
    for (let i = 0; i < outFeatures; i++) {
      for (let k = 0; k < rank; k++) {
        for (let j = 0; j < inFeatures; j++)
          out[i * inFeatures + j]! += scaling * b[i * rank + k]! * a[k * inFeatures + j]!;
      }
    }
  }
  return out;
}

function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  let [most, scale] = [0, 0];
  for (let i = 0; i < Math.max(actual.length, expected.length); i++) {
    most = Math.max(most, Math.abs((actual[i] ?? 0) - (expected[i] ?? 0)));
    scale = Math.max(scale, Math.abs(expected[i] ?? 0));
  }
  expect(scale).toBeGreaterThan(0);
  expect(most / scale).toBeLessThan(tolerance);
}

describe.each(cases)('%s %j', (method, config) => {
  it('adds to the base weight what merging adds, and factors and spectrum are those of that', async () => {
    const { base, adapter } = trainedAdapter({ model: { config: { num_hidden_layers: 3 } }, method, config });
    const model = openBaseModel(base);
    const { plan, parameters } = loadAdapter(adapter, model);
    const read = (site: { readonly weight: string }): Float32Array => model.checkpoint.readF32(site.weight);
    const deltas = new DeltaWeights(formulaPlan(plan), parameters, read);
    const merged = new LayerWeights(formulaPlan(plan), parameters, 'merge', read);
    for (const layer of plan.layers) {
      const weight = read(layer.site);
      const dense = await deltas.dense(layer);
      const after = await merged.apply(layer, weight);
      // Tiny layers are stored as [out, in].
      expectClose(
        dense,
        after.map((v, i) => v - weight[i]!),
        1e-5,
      );
      const terms = deltas.terms(layer);
      if (terms) expectClose(productOf(terms), dense, 1e-5);
      const { outFeatures, inFeatures } = layer.site;
      expectClose(await deltas.spectrum(layer), singularValues(matrix(outFeatures, inFeatures, dense)), 1e-5);
    }
    await merged.dispose();
    await deltas.dispose();
    model.checkpoint.close();
  });

  it('needs the base only where the update depends on it', async () => {
    const { base, adapter } = trainedAdapter({ model: { config: { num_hidden_layers: 3 } }, method, config });
    const model = openBaseModel(base);
    const { plan, parameters } = loadAdapter(adapter, model);
    model.checkpoint.close();
    const deltas = new DeltaWeights(formulaPlan(plan), parameters, null);
    const needsBase =
      ['dora', 'dvora'].includes(method) || (config['merge'] === 'weight' && config['variant'] === 'is');
    const known = plan.layers.map((layer) => deltas.isKnown(layer));
    if (needsBase) expect(known).toContain(false);
    else expect(known).not.toContain(false);
    for (const [i, layer] of plan.layers.entries()) {
      if (known[i]) expect((await deltas.dense(layer)).length).toBe(layer.site.outFeatures * layer.site.inFeatures);
      else
        await expect(deltas.dense(layer)).rejects.toThrow(
          /depends on the base weight; expected the base model on disk/,
        );
    }
    await deltas.dispose();
  });
});
