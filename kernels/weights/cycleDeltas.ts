/**
 * @file What a run with restarts added to the base model in all: the delta weights of the merged cycles and that of the
 * adapter, together. As a sum of factors where the method has them, else whole.
 */
import type { TensorValues } from '../adapters/adapterFile';
import type { AdaptedLayer, AdapterPlan, PlannedModel } from '../adapters/plan';
import type { MergedCycle } from '../adapters/restarts';
import { planOfMerged } from '../adapters/restarts';
import type { DeltaFactors } from '../analysis/spectrum';
import { DeltaWeights } from '../delta/deltaWeights';
import type { ReadBaseWeight } from '../delta/deltaWeights';
import { formulaPlan, LayerWeights } from '../delta/layerWeights';
import { KernelError } from '../protocol/errors';
import { CycleWeights } from './cycleWeights';

export class CycleDeltas {
  private readonly cycles: readonly {
    readonly deltas: DeltaWeights;
    readonly layers: ReadonlyMap<string, AdaptedLayer>;
  }[];

  /**
   * `current`: the values of the adapter that follows on the merged cycles; null: it is not counted. `baseWeight` reads the
   * weights of the untouched base model.
   */
  constructor(
    private readonly plan: AdapterPlan,
    private readonly model: PlannedModel,
    private readonly merged: readonly MergedCycle[],
    private readonly current: TensorValues | null,
    private readonly baseWeight: ReadBaseWeight,
  ) {
    const earlier = merged.map((cycle) => ({ plan: planOfMerged(plan, model, cycle), values: cycle.values }));
    this.cycles = [...earlier, ...(current ? [{ plan, values: current }] : [])].map((cycle) => ({
      deltas: new DeltaWeights(formulaPlan(cycle.plan), cycle.values, null),
      layers: new Map(cycle.plan.layers.map((layer) => [layer.site.path, layer])),
    }));
  }

  /** ΔW as a sum of products of factors, the first cycle's first, where it is one by construction. */
  terms(layer: AdaptedLayer): readonly DeltaFactors[] | undefined {
    const all = this.of(layer).map(({ deltas, own }) => deltas.terms(own));
    return all.every((terms) => terms !== undefined) ? all.flat() : undefined;
  }

  /** ΔW [out, in] row by row. */
  async dense(layer: AdaptedLayer): Promise<Float32Array> {
    const cycles = this.of(layer);
    if (!cycles.every(({ deltas, own }) => deltas.isKnown(own))) return this.difference(layer);
    const sum = new Float64Array(layer.site.outFeatures * layer.site.inFeatures);
    for (const { deltas, own } of cycles) {
      const delta = await deltas.dense(own);
      for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] as number) + (delta[i] as number);
    }
    return Float32Array.from(sum);
  }

  async dispose(): Promise<void> {
    for (const { deltas } of this.cycles) await deltas.dispose();
  }

  /** Of methods whose update depends on the weight it is put on: what came of all of them, less the base weight. */
  private async difference(layer: AdaptedLayer): Promise<Float32Array> {
    const { site } = layer;
    const before = this.baseWeight(site);
    const earlier = new CycleWeights(this.plan, this.model, this.merged, 'merge');
    const last = this.current && new LayerWeights(formulaPlan(this.plan), this.current, 'merge', this.baseWeight);
    try {
      const merged = await earlier.apply(site, before);
      const after = last ? await last.apply(layer, merged) : merged;
      const { inFeatures, outFeatures } = site;
      const at = (i: number): number =>
        site.layout === 'out-in' ? i : (i % inFeatures) * outFeatures + Math.floor(i / inFeatures);
      return Float32Array.from(after, (_, i) => (after[at(i)] ?? NaN) - (before[at(i)] ?? NaN));
    } finally {
      await earlier.dispose();
      await last?.dispose();
    }
  }

  private of({ site }: AdaptedLayer): readonly { readonly deltas: DeltaWeights; readonly own: AdaptedLayer }[] {
    return this.cycles.map(({ deltas, layers }) => {
      const own = layers.get(site.path);
      if (!own) throw new KernelError('internal', `a merged cycle has no layer ${site.path}`);
      return { deltas, own };
    });
  }
}
