/** @file The delta weights of several adapters of the same layers together, such as those of the cycles of a run with restarts. */
import type { TensorValues } from '../adapters/adapterFile';
import type { AdaptedLayer } from '../adapters/plan';
import { matrix } from '../analysis/linalg/matrix';
import { singularValues } from '../analysis/linalg/svd';
import type { DeltaFactors } from '../analysis/spectrum';
import { factoredSingularValues } from '../analysis/spectrum';
import { KernelError } from '../protocol/errors';
import type { ReadBaseWeight } from './deltaWeights';
import { DeltaWeights } from './deltaWeights';
import type { FormulaPlan } from './layerWeights';

/** What is asked of delta weights, of one adapter or of several. */
export type Deltas = Pick<
  DeltaWeights,
  'terms' | 'isKnown' | 'dense' | 'bias' | 'cheapSpectrum' | 'spectrum' | 'dispose'
>;

export interface SummedAdapter {
  readonly plan: FormulaPlan;
  readonly values: TensorValues;
}

export class SummedDeltas implements Deltas {
  private readonly parts: readonly {
    readonly deltas: DeltaWeights;
    readonly layers: ReadonlyMap<string, AdaptedLayer>;
  }[];

  /** The update of the first may depend on the base weight; that of the others only where it does not. */
  constructor(adapters: readonly SummedAdapter[], baseWeight: ReadBaseWeight | null) {
    this.parts = adapters.map(({ plan, values }, i) => ({
      deltas: new DeltaWeights(plan, values, i === 0 ? baseWeight : null),
      layers: new Map(plan.layers.map((layer) => [layer.site.path, layer])),
    }));
  }

  /** ΔW as a sum of products of factors, the first adapter's first, where it is one by construction. */
  terms(layer: AdaptedLayer): readonly DeltaFactors[] | undefined {
    const all = this.of(layer).map(({ deltas, own }) => deltas.terms(own));
    return all.every((terms) => terms !== undefined) ? all.flat() : undefined;
  }

  isKnown(layer: AdaptedLayer): boolean {
    return this.of(layer).every(({ deltas, own }) => deltas.isKnown(own));
  }

  /** ΔW [out, in] row by row. Errors as `DeltaWeights.dense`. */
  async dense(layer: AdaptedLayer): Promise<Float32Array> {
    const sum = new Float64Array(layer.site.outFeatures * layer.site.inFeatures);
    for (const { deltas, own } of this.of(layer)) {
      const delta = await deltas.dense(own);
      for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] as number) + (delta[i] as number);
    }
    return Float32Array.from(sum);
  }

  /** What merging all of them adds to the bias of a layer [out]; `null` where none adds anything. */
  async bias(layer: AdaptedLayer): Promise<Float32Array | null> {
    let sum: Float32Array | null = null;
    for (const { deltas, own } of this.of(layer)) {
      const added = await deltas.bias(own);
      sum = sum && added ? sum.map((value, i) => value + (added[i] ?? NaN)) : (sum ?? added);
    }
    return sum;
  }

  cheapSpectrum(layer: AdaptedLayer): Float64Array | undefined {
    const terms = this.terms(layer);
    return terms && factoredSingularValues(terms);
  }

  async spectrum(layer: AdaptedLayer): Promise<Float64Array> {
    const { outFeatures, inFeatures } = layer.site;
    return this.cheapSpectrum(layer) ?? singularValues(matrix(outFeatures, inFeatures, await this.dense(layer)));
  }

  async dispose(): Promise<void> {
    for (const { deltas } of this.parts) await deltas.dispose();
  }

  private of({ site }: AdaptedLayer): readonly { readonly deltas: DeltaWeights; readonly own: AdaptedLayer }[] {
    return this.parts.map(({ deltas, layers }) => {
      const own = layers.get(site.path);
      if (!own) throw new KernelError('internal', `one of several adapters has no layer ${site.path}`);
      return { deltas, own };
    });
  }
}
