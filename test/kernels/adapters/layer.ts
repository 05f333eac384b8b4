/** @file One adapted layer by itself, computed by the reference runtime in float64: what a method's formulas are tested with. */
import { adaptedLinear } from '../../../kernels/adapters/applyAdapter';
import type { AdapterPlan } from '../../../kernels/adapters/plan';
import { planAdapter, SHARED_MODULE } from '../../../kernels/adapters/plan';
import type { AnyAdapterMethod } from '../../../kernels/adapters/types';
import type { Value } from '../../../kernels/graph/graph';
import { f32, Graph, sizeOf } from '../../../kernels/graph/graph';
import { add, gemm, transpose } from '../../../kernels/graph/ops';
import { programOf } from '../../../kernels/graph/program';
import type { CommonConfig, ModelArchitecture, TargetSite } from '../../../kernels/models/types';
import { evaluateProgram } from '../../../kernels/runtime/reference';
import type { Fields } from '../../../kernels/util/fields';
import { withDefaults } from '../../../kernels/util/fields';
import { randomValues } from '../../support/tinyModel';

export interface LayerCase {
  readonly method: AnyAdapterMethod;
  /** Fields that differ from the method's defaults. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly inFeatures: number;
  readonly outFeatures: number;
  readonly tokens: number;
  readonly layout: TargetSite['layout'];
  readonly seed: number;
}

/** A layer by itself has no blocks before it. */
const NOTHING_BEFORE = (): null => null;

const PATH = 'model.layers.0.self_attn.q_proj';

/** A layer with random input, weight, bias and parameters. */
export class Layer {
  readonly plan: AdapterPlan;
  readonly site: TargetSite;
  readonly feeds: Record<string, Float32Array> = {};

  constructor(readonly test: LayerCase) {
    const { inFeatures, outFeatures, layout, tokens, seed } = test;
    const [weight, bias] = [`${PATH}.weight`, `${PATH}.bias`];
    this.site = { path: PATH, projection: 'q_proj', layer: 0, inFeatures, outFeatures, weight, bias, layout };
    const config = withDefaults(test.method.config as Fields, { target_modules: ['q_proj'], ...test.config });
    const model = {
      architecture: {} as ModelArchitecture,
      config: { vocabularySize: 1, hiddenSize: 1, layers: 1, maxLength: 1 } satisfies CommonConfig,
      sites: [this.site],
      head: { kind: 'next-token' as const, path: 'lm_head', weight: 'lm_head.weight', tiedTo: null, softCap: null },
      tensors: new Map([
        [weight, this.weightShape],
        [bias, [outFeatures]],
      ]),
      fresh: new Map(),
    };
    // One layer has nothing to be linked with, which is idle and not wrong.
    this.plan = planAdapter(test.method, config, model, () => undefined);
    const shapes = new Map<string, readonly number[]>([
      ['x', [tokens, inFeatures]],
      [weight, this.weightShape],
      [bias, [outFeatures]],
      ...this.parameters.map((t) => [t.key, t.shape] as const),
    ]);
    [...shapes].forEach(([name, shape], i) => (this.feeds[name] = randomValues(shape, seed + i)));
  }

  get parameters(): AdapterPlan['trained'] {
    return [...this.plan.trained, ...this.plan.frozen];
  }

  get weightShape(): readonly number[] {
    const { inFeatures, outFeatures, layout } = this.test;
    return layout === 'out-in' ? [outFeatures, inFeatures] : [inFeatures, outFeatures];
  }

  /** The output [tokens, out] by the method's `forward`, every tensor of `trained` an input of the graph. */
  forward(): Float64Array {
    return this.evaluate(({ x, weights, param }) =>
      adaptedLinear(this.plan, weights, { param, dropout: (_, v) => v })(this.site, x),
    );
  }

  /** The same by x·W'ᵀ + b with the method's merged weight. */
  throughMergedWeight(): Float64Array {
    return this.evaluate(({ x, weights, params, base, param }) => {
      const { config } = this.layer;
      const merged = this.method.mergedWeight?.(base, params, config, this.shared(param), NOTHING_BEFORE);
      const bias = weights.get(`${PATH}.bias`);
      const delta = this.method.deltaBias?.(params, config);
      return gemm(x, merged as Value, { transB: true, c: delta ? add(bias, delta) : bias });
    });
  }

  /** x·Wᵀ + b: [tokens, out]. */
  withoutAdapter(): Float64Array {
    return this.evaluate(({ x, weights, base }) => gemm(x, base, { transB: true, c: weights.get(`${PATH}.bias`) }));
  }

  /** The weight after merging and unmerging, or `null` when the method has no way back. */
  mergedAndUnmerged(): Float64Array | null {
    const { mergedWeight, unmergedWeight, mergeRecord } = this.method;
    if (!mergedWeight || !unmergedWeight) return null;
    return this.evaluate(({ params, base, param }) => {
      const rest = [params, this.layer.config, this.shared(param), NOTHING_BEFORE] as const;
      return unmergedWeight(mergedWeight(base, ...rest), ...rest, mergeRecord?.(base, ...rest) ?? {});
    });
  }

  /** The base weight as [out, in]. */
  baseWeight(): Float64Array {
    return this.evaluate(({ base }) => transpose(transpose(base, [1, 0]), [1, 0]));
  }

  private get method(): AnyAdapterMethod {
    return this.plan.method;
  }

  private shared(param: Made['param']): Record<string, Value> {
    const shared = this.parameters.filter((t) => t.module === SHARED_MODULE);
    return Object.fromEntries(shared.map((t) => [t.param, param(t.key)]));
  }

  private get layer(): AdapterPlan['layers'][number] {
    const [layer] = this.plan.layers;
    if (!layer) throw new Error('the plan adapts no layer');
    return layer;
  }

  private evaluate(build: (made: Made) => Value): Float64Array {
    const graph = new Graph();
    const values = new Map<string, Value>();
    const input = (name: string, shape: readonly number[]): Value => {
      const known = values.get(name) ?? graph.input(name, f32(...shape));
      values.set(name, known);
      return known;
    };
    const shapeOf = new Map(this.parameters.map((t) => [t.key, t.shape]));
    const param = (key: string): Value => input(key, shapeOf.get(key) ?? []);
    const weight = input(`${PATH}.weight`, this.weightShape);
    const output = build({
      x: input('x', [this.test.tokens, this.test.inFeatures]),
      base: this.test.layout === 'out-in' ? weight : transpose(weight, [1, 0]),
      weights: { get: (name) => (name === `${PATH}.weight` ? weight : input(name, [this.test.outFeatures])) },
      param,
      params: Object.fromEntries(Object.keys(this.layer.params).map((name) => [name, param(`${PATH}.${name}`)])),
    });
    const result = evaluateProgram(programOf({ output }), this.feeds).get('output');
    if (result?.data.length !== sizeOf(output.type.shape)) throw new Error('the output has another size');
    return result.data;
  }
}

interface Made {
  readonly x: Value;
  /** W as [out, in]. */
  readonly base: Value;
  readonly weights: { get(name: string): Value };
  param(key: string): Value;
  readonly params: Readonly<Record<string, Value>>;
}

/** Largest difference relative to the largest value (at least 1). */
export function relativeDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Infinity;
  let [difference, size] = [0, 1];
  for (let i = 0; i < a.length; i++) {
    const d = Math.abs((a[i] ?? NaN) - (b[i] ?? NaN));
    difference = Number.isNaN(d) ? Infinity : Math.max(difference, d);
    size = Math.max(size, Math.abs(b[i] ?? 0));
  }
  return difference / size;
}
