/**
 * @file The delta weight ΔW = W' − W [out, in] of every adapted layer, and its spectrum: what inspecting, help while writing,
 * rank curves and conversion all ask. From factors where the update has low rank by construction; otherwise from the method's
 * own formula, whole.
 */
import * as l10n from '@vscode/l10n';
import type { TensorValues } from '../adapters/adapterFile';
import type { AdaptedLayer } from '../adapters/plan';
import { layersBefore } from '../adapters/chains';
import type { Core, Factors } from '../adapters/types';
import { matrix } from '../analysis/linalg/matrix';
import { singularValues } from '../analysis/linalg/svd';
import type { DeltaFactors } from '../analysis/spectrum';
import { coresWork, coreSingularValues, factoredSingularValues, factorsWork } from '../analysis/spectrum';
import type { TargetSite } from '../models/types';
import { KernelError } from '../protocol/errors';
import type { FormulaPlan } from './layerWeights';
import { LayerWeights } from './layerWeights';

/** Reads a base weight as it is stored. */
export type ReadBaseWeight = (site: TargetSite) => Float32Array;

export class DeltaWeights {
  private readonly layerWeights: LayerWeights | null;

  constructor(
    private readonly plan: FormulaPlan,
    private readonly parameters: TensorValues,
    /** `null`: the base model is not at hand. */
    private readonly baseWeight: ReadBaseWeight | null,
  ) {
    const missing = (site: TargetSite): never => {
      const found = l10n.t('the delta weight of {0} at {1} depends on the base weight', plan.method.label, site.path);
      throw new KernelError('input/refused', l10n.t('{0}; expected the base model on disk', found));
    };
    this.layerWeights = plan.method.mergedWeight && new LayerWeights(plan, parameters, 'delta', baseWeight ?? missing);
  }

  /** ΔW as a sum of products of factors, where it is one by construction. */
  terms(layer: AdaptedLayer): readonly DeltaFactors[] | undefined {
    return this.factored(layer, 'factors');
  }

  /** Whether ΔW can be had at all: from the adapter alone, or with the base where it is at hand. */
  isKnown(layer: AdaptedLayer): boolean {
    if (!this.layerWeights) return this.plan.method.factors !== undefined;
    return this.baseWeight !== null || !this.layerWeights.needsBase(layer);
  }

  /** ΔW row by row. Throws `input/refused` when it needs a base weight that is not at hand, or the method has no merge. */
  async dense(layer: AdaptedLayer): Promise<Float32Array> {
    if (this.layerWeights) return this.layerWeights.delta(layer);
    throw new KernelError('input/refused', l10n.t('{0} has no delta weight: it has no merge', this.plan.method.label));
  }

  /** What merging adds to the bias of a layer [out]; `null` where it adds nothing. */
  async bias(layer: AdaptedLayer): Promise<Float32Array | null> {
    if (!this.layerWeights?.changesBias(layer)) return null;
    return this.layerWeights.applyBias(layer, new Float32Array(layer.site.outFeatures));
  }

  /** The non-zero singular values as far as they are cheap, descending; zeros may be among them. */
  cheapSpectrum(layer: AdaptedLayer): Float64Array | undefined {
    const cores = this.cores(layer);
    if (cores) return coreSingularValues(cores);
    const terms = this.terms(layer);
    return terms && factoredSingularValues(terms);
  }

  /** Multiply-adds of `cheapSpectrum`; they follow from the shapes alone, whatever the values are. */
  spectrumWork(layer: AdaptedLayer): number {
    const cores = this.cores(layer);
    return cores ? coresWork(cores) : factorsWork(this.terms(layer) ?? []);
  }

  /** Those of the update that turns the rows alone (`AdapterMethod.direction`), where the method has one. */
  directionSpectrum(layer: AdaptedLayer): Float64Array | undefined {
    const terms = this.factored(layer, 'direction');
    return terms && factoredSingularValues(terms);
  }

  /** Multiply-adds of `directionSpectrum`. */
  directionWork(layer: AdaptedLayer): number {
    return factorsWork(this.factored(layer, 'direction') ?? []);
  }

  /** As `cheapSpectrum`, from the whole delta weight where nothing smaller has them. Errors as `dense`. */
  async spectrum(layer: AdaptedLayer): Promise<Float64Array> {
    const { outFeatures, inFeatures } = layer.site;
    return this.cheapSpectrum(layer) ?? singularValues(matrix(outFeatures, inFeatures, await this.dense(layer)));
  }

  async dispose(): Promise<void> {
    await this.layerWeights?.dispose();
  }

  private factored(layer: AdaptedLayer, what: 'factors' | 'direction'): readonly DeltaFactors[] | undefined {
    const { site, config } = layer;
    const own: Factors | undefined = this.plan.method[what]?.(
      this.valuesOf(layer),
      site,
      config,
      this.shared,
      this.previous(layer),
    );
    return own && [{ ...own, inFeatures: site.inFeatures, outFeatures: site.outFeatures }];
  }

  private cores(layer: AdaptedLayer): readonly Core[] | undefined {
    return this.plan.method.cores?.(this.valuesOf(layer), layer.site, layer.config);
  }

  private valuesOf({ site, params }: AdaptedLayer): Readonly<Record<string, Float32Array>> {
    return this.read(Object.keys(params).map((name) => [name, `${site.path}.${name}`]));
  }

  private get shared(): Readonly<Record<string, Float32Array>> {
    return this.read(this.plan.shared.map(({ param, key }) => [param, key]));
  }

  private previous(layer: AdaptedLayer): (back: number) => Readonly<Record<string, Float32Array>> | null {
    let before: readonly AdaptedLayer[] | undefined;
    return (back) => {
      const other = (before ??= layersBefore(this.plan, layer))[back - 1];
      return other ? this.valuesOf(other) : null;
    };
  }

  private read(keys: readonly (readonly [name: string, key: string])[]): Readonly<Record<string, Float32Array>> {
    return Object.fromEntries(
      keys.map(([name, key]) => {
        const data = this.parameters.get(key);
        if (!data) throw new KernelError('internal', `no values for ${key}`);
        return [name, data];
      }),
    );
  }
}
