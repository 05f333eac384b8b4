/**
 * @file The weights of the adapted layers after the merged cycles of a run with restarts: each cycle merged with the method's
 * own formula, one after the other in float32, as the run did. The same numbers come out to the bit.
 */
import type { AdaptedLayer, AdapterPlan, PlannedModel } from '../adapters/plan';
import type { MergedCycle } from '../adapters/restarts';
import { planOfMerged } from '../adapters/restarts';
import type { TargetSite } from '../models/types';
import { KernelError } from '../protocol/errors';
import type { Direction, WeightRecord } from '../delta/layerWeights';
import { formulaPlan, LayerWeights } from '../delta/layerWeights';

export class CycleWeights {
  private readonly steps: readonly {
    readonly weights: LayerWeights;
    readonly layers: ReadonlyMap<string, AdaptedLayer>;
  }[];

  /**
   * `merge`: from the checkpoint's weights to those that the adapter of the last cycle was trained on; `unmerge`: back. Throws
   * `adapter/unsupported` as `LayerWeights` does. `record`: what merging notes for the way back.
   */
  constructor(
    plan: AdapterPlan,
    model: PlannedModel,
    cycles: readonly MergedCycle[],
    direction: Direction,
    record?: WeightRecord,
  ) {
    const numbered = cycles.map((cycle, i) => ({ cycle, number: i + 1 }));
    const ordered = direction === 'merge' ? numbered : numbered.toReversed();
    this.steps = ordered.map(({ cycle, number }) => {
      const own = planOfMerged(plan, model, cycle);
      return {
        weights: new LayerWeights(formulaPlan(own), cycle.values, direction, noOtherWeights, ofCycle(record, number)),
        layers: new Map(own.layers.map((layer) => [layer.site.path, layer])),
      };
    });
  }

  /** `weight` of a layer in the checkpoint's layout; the same layout comes back. */
  async apply({ path }: Pick<TargetSite, 'path'>, weight: Float32Array): Promise<Float32Array> {
    let result = weight;
    for (const { weights, layers } of this.steps) {
      const layer = layers.get(path);
      if (!layer) throw new KernelError('internal', `a merged cycle has no layer ${path}`);
      result = await weights.apply(layer, result);
    }
    return result;
  }

  async dispose(): Promise<void> {
    for (const { weights } of this.steps) await weights.dispose();
  }
}

/** What the merge of one cycle notes, beside that of the others. */
function ofCycle(record: WeightRecord | undefined, number: number): WeightRecord | undefined {
  const nameOf = (name: string): string => `${name} of cycle ${number}`;
  return (
    record && {
      add: (module, name, data) => record.add(module, nameOf(name), data),
      get: (module, name) => record.get(module, nameOf(name)),
    }
  );
}

/** Formulas that need the base weights of other layers are only approximate, and those do not restart. */
function noOtherWeights(site: TargetSite): Float32Array {
  throw new KernelError('internal', `a restart asked for the base weight of ${site.path}`);
}
