/**
 * @file What a run with restarts added to the base model in all: the delta weights of the merged cycles and that of the
 * adapter, together. As a sum of factors where the method has them, else whole.
 */
import type { TensorValues } from '../adapters/adapterFile';
import type { AdaptedLayer, AdapterPlan, PlannedModel } from '../adapters/plan';
import type { MergedCycle } from '../adapters/restarts';
import { planOfMerged } from '../adapters/restarts';
import type { ReadBaseWeight } from '../delta/deltaWeights';
import { formulaPlan, LayerWeights } from '../delta/layerWeights';
import { SummedDeltas } from '../delta/summedDeltas';
import { CycleWeights } from './cycleWeights';

export class CycleDeltas extends SummedDeltas {
  /**
   * `current`: the values of the adapter that follows on the merged cycles; null: it is not counted. `readBase` reads the
   * weights of the untouched base model.
   */
  constructor(
    private readonly plan: AdapterPlan,
    private readonly model: PlannedModel,
    private readonly merged: readonly MergedCycle[],
    private readonly current: TensorValues | null,
    private readonly readBase: ReadBaseWeight,
  ) {
    const earlier = merged.map((cycle) => ({ plan: planOfMerged(plan, model, cycle), values: cycle.values }));
    const all = [...earlier, ...(current ? [{ plan, values: current }] : [])];
    super(
      all.map(({ plan: own, values }) => ({ plan: formulaPlan(own), values })),
      null,
    );
  }

  /** Where an update depends on the weight it is put on: what came of all of them, less the base weight. */
  override async dense(layer: AdaptedLayer): Promise<Float32Array> {
    return this.isKnown(layer) ? super.dense(layer) : this.difference(layer);
  }

  private async difference(layer: AdaptedLayer): Promise<Float32Array> {
    const { site } = layer;
    const before = this.readBase(site);
    const earlier = new CycleWeights(this.plan, this.model, this.merged, 'merge');
    const last = this.current && new LayerWeights(formulaPlan(this.plan), this.current, 'merge', this.readBase);
    try {
      const merged = await earlier.apply(site, before);
      const after = last ? await last.apply(layer, merged) : merged;
      const { inFeatures, outFeatures } = site;
      const at = (i: number): number =>
        site.layout === 'out-in' ? i : (i % inFeatures) * outFeatures + Math.floor(i / inFeatures);
      return after.map((_, i) => (after[at(i)] ?? NaN) - (before[at(i)] ?? NaN));
    } finally {
      await earlier.dispose();
      await last?.dispose();
    }
  }
}
