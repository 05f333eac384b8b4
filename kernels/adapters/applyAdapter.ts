/** @file Builds the adapted layers of a graph: every linear layer of the model goes through the method, or stays plain. */
import type { Value } from '../graph/graph';
import { gatherRows, gemm, transpose } from '../graph/ops';
import type { ApplyLinear, TargetSite, WeightSource } from '../models/types';
import type { AdaptedLayer, AdapterPlan } from './plan';
import { chainKey } from './chains';
import { SHARED_MODULE } from './plan';
import type { BuiltLayer } from './activity';
import type { LayerContext } from './types';

export interface AdapterValues {
  /** The value of an adapter tensor, by its key. */
  param(key: string): Value;
  /** Dropout of the branch of a layer; the identity outside training. */
  dropout(site: TargetSite, v: Value, term: number): Value;
  /**
   * The frozen weights. A tied head reads the base's table, also where the embedding is trained beside it. Absent: no tensor of
   * the base is trained.
   */
  readonly frozen?: WeightSource;
  /** Gets what the method measures of a layer, by the tensor's key; absent outside training. */
  measure?(key: string, value: Value): void;
  /** Sees every adapted layer with what the method made of it. */
  observe?(layer: AdaptedLayer, built: BuiltLayer): void;
}

/** What `previous` looks back over. */
type ChainLayer = Pick<LayerContext, 'site' | 'x' | 'params' | 'dropout'>;

export function adaptedLinear(plan: AdapterPlan, all: WeightSource, values: AdapterValues): ApplyLinear {
  const layers = new Map(plan.layers.map((l) => [l.site.path, l]));
  const sharedKeys = [...plan.trained, ...plan.frozen].filter((t) => t.module === SHARED_MODULE);
  const shared = Object.fromEntries(sharedKeys.map((t) => [t.param, values.param(t.key)]));
  // Layers of one projection in the order of the blocks, as they were built: what `previous` looks back over.
  const chains = new Map<string, ChainLayer[]>();
  return (site, x) => {
    const layer = layers.get(site.path);
    const weights = site.kind === 'head' ? (values.frozen ?? all) : all;
    if (!layer) return plainLinear(weights)(site, x);
    const fed = Object.entries(layer.params).filter(([, { isMeasured }]) => !isMeasured);
    const params = Object.fromEntries(fed.map(([name]) => [name, values.param(`${site.path}.${name}`)]));
    const key = chainKey(layer);
    const chain = chains.get(key) ?? [];
    chains.set(key, chain);
    const dropout = once((v: Value, term: number) => values.dropout(site, v, term));
    const at = chain.push({ site, x, params, dropout }) - 1;
    const context: LayerContext = {
      site,
      x,
      params,
      shared,
      baseWeight: () => baseWeight(site, weights),
      baseBias: () => (site.bias ? weights.get(site.bias) : null),
      baseOutput: () => plainLinear(weights)(site, x),
      previous: (back) => chain[at - back] ?? null,
      dropout,
    };
    const built = (on: LayerContext): Value =>
      site.kind === 'embedding' && plan.method.embed
        ? plan.method.embed(on, layer.config)
        : plan.method.forward(on, layer.config);
    const output = built(context);
    values.observe?.(layer, {
      ...context,
      output,
      forwardWith: (change) => built({ ...context, ...change }),
      before: (back) => {
        const other = chain[at - back];
        return other ? { params: other.params, baseWeight: () => baseWeight(other.site, weights) } : null;
      },
    });
    if (values.measure && plan.method.measures) {
      for (const [name, value] of Object.entries(plan.method.measures(context, layer.config))) {
        if (value) values.measure(`${site.path}.${name}`, value);
      }
    }
    return output;
  };
}

/** The same result for the same arguments: each mask of a layer's dropout is one, whoever asks. */
function once(make: (v: Value, term: number) => Value): (v: Value, term?: number) => Value {
  const terms: Map<Value, Value>[] = [];
  return (v, term = 0) => {
    const known = (terms[term] ??= new Map<Value, Value>());
    const made = known.get(v) ?? make(v, term);
    known.set(v, made);
    return made;
  };
}

/** x·Wᵀ + b in whatever layout the checkpoint stores W. */
export const plainLinear =
  (weights: WeightSource): ApplyLinear =>
  (site, x) =>
    site.kind === 'embedding'
      ? gatherRows(weights.get(site.weight), x)
      : gemm(x, weights.get(site.weight), {
          transB: site.layout === 'out-in',
          ...(site.bias && { c: weights.get(site.bias) }),
        });

/** W as [out, in]. */
export function baseWeight(site: TargetSite, weights: WeightSource): Value {
  const weight = weights.get(site.weight);
  return site.layout === 'out-in' ? weight : transpose(weight, [1, 0]);
}
