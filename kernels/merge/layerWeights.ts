/**
 * @file Computes merged weights (or the base weights back from them) in float32 with the adapter method's own formula, as a
 * graph in the runtime: one session for each distinct shape and configuration of a layer.
 */
import type { TensorValues } from '../adapters/adapterFile';
import type { AdaptedLayer, AdapterPlan } from '../adapters/plan';
import { SHARED_MODULE } from '../adapters/plan';
import { fuseGemmAdd } from '../graph/fuseGemmAdd';
import { f32, Graph } from '../graph/graph';
import type { Value } from '../graph/graph';
import { encodeOnnx } from '../graph/onnx/encode';
import { transpose } from '../graph/ops';
import { programOf } from '../graph/program';
import { verify } from '../graph/verify';
import { KernelError } from '../protocol/errors';
import { ortRuntime } from '../runtime/ort';
import type { HostTensor, Session } from '../runtime/types';

export type Direction = 'merge' | 'unmerge';

interface CompiledFormula {
  readonly session: Session;
  /** A session refuses feeds that its formula does not use. */
  readonly inputs: ReadonlySet<string>;
}

export class LayerWeights {
  private readonly sessions = new Map<string, Promise<CompiledFormula>>();
  private readonly formula: NonNullable<AdapterPlan['method']['mergedWeight']>;

  /** Throws `adapter/unsupported` when the method has no exact merge, or none that can be undone. */
  constructor(
    private readonly plan: AdapterPlan,
    private readonly parameters: TensorValues,
    direction: Direction,
  ) {
    const { label, mergedWeight, unmergedWeight } = plan.method;
    const formula = direction === 'merge' ? mergedWeight : unmergedWeight;
    if (!formula) {
      const reason = direction === 'merge' ? 'has no exact merge' : 'cannot be taken out of a merged weight alone';
      throw new KernelError('adapter/unsupported', `${label} ${reason}; keep the base and the adapter folder`);
    }
    this.formula = formula;
  }

  /** `weight` in the checkpoint's layout, merged or unmerged; the same layout comes back. */
  async apply(layer: AdaptedLayer, weight: Float32Array): Promise<Float32Array> {
    const { session, inputs } = await this.compiled(layer);
    const feeds = this.feeds(layer, weight).filter(([name]) => inputs.has(name));
    const outputs = await session.run(Object.fromEntries(feeds));
    const result = outputs.result;
    if (!result) throw new KernelError('internal', 'the session has no output result');
    return result;
  }

  async dispose(): Promise<void> {
    const open = [...this.sessions.values()];
    this.sessions.clear();
    for (const formula of open) await (await formula).session.dispose();
  }

  private compiled(layer: AdaptedLayer): Promise<CompiledFormula> {
    const { site, config } = layer;
    const key = JSON.stringify([site.layout, site.outFeatures, site.inFeatures, config]);
    const known = this.sessions.get(key);
    if (known) return known;
    const program = fuseGemmAdd(programOf({ result: this.build(layer) }));
    verify(program, 'fuseGemmAdd');
    const bytes = encodeOnnx(program, { target: 'cpu', weightsFolder: '' });
    const inputs = new Set(program.leaves.flatMap(({ leaf }) => (leaf?.kind === 'input' ? [leaf.name] : [])));
    const formula = ortRuntime
      // One thread: the products take no longer than the copies around them, through which a pool's threads would spin.
      .compile(bytes, { device: 'cpu', threads: 1, weightsFolder: '' })
      .then((session) => ({ session, inputs }));
    this.sessions.set(key, formula);
    return formula;
  }

  private build(layer: AdaptedLayer): Value {
    const { site, params, config } = layer;
    const graph = new Graph();
    const isTransposed = site.layout === 'in-out';
    const weight = graph.input('weight', f32(...storedShape(layer)));
    const own = Object.entries(params).map(([name, { shape }]) => [name, graph.input(name, f32(...shape))] as const);
    const shared = this.shared.map((t) => [t.param, graph.input(t.key, f32(...t.shape))] as const);
    const result = this.formula(
      isTransposed ? transpose(weight, [1, 0]) : weight,
      Object.fromEntries(own),
      config,
      Object.fromEntries(shared),
    );
    return isTransposed ? transpose(result, [1, 0]) : result;
  }

  private feeds(layer: AdaptedLayer, weight: Float32Array): readonly (readonly [string, HostTensor])[] {
    const { site, params } = layer;
    const tensor = (key: string, shape: readonly number[]): HostTensor => {
      const data = this.parameters.get(key);
      if (!data) throw new KernelError('internal', `no values for ${key}`);
      return { dtype: 'f32', shape, data };
    };
    return [
      ['weight', { dtype: 'f32', shape: storedShape(layer), data: weight }],
      ...Object.entries(params).map(([name, { shape }]) => [name, tensor(`${site.path}.${name}`, shape)] as const),
      ...this.shared.map((t) => [t.key, tensor(t.key, t.shape)] as const),
    ];
  }

  private get shared(): AdapterPlan['trained'] {
    return [...this.plan.trained, ...this.plan.frozen].filter((t) => t.module === SHARED_MODULE);
  }
}

const storedShape = ({ site }: AdaptedLayer): readonly number[] =>
  site.layout === 'out-in' ? [site.outFeatures, site.inFeatures] : [site.inFeatures, site.outFeatures];
