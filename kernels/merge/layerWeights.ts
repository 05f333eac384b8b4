/**
 * @file Computes merged weights (or the base weights back from them) in float32 with the adapter method's own formula, as a
 * graph in the runtime: one session for each distinct shape and configuration of a layer.
 */
import type { TensorValues } from '../adapters/adapterFile';
import type { AdaptedLayer, AdapterPlan } from '../adapters/plan';
import { layersBefore, SHARED_MODULE } from '../adapters/plan';
import { fuseGemmAdd } from '../graph/fuseGemmAdd';
import { f32, Graph } from '../graph/graph';
import type { Value } from '../graph/graph';
import { encodeOnnx } from '../graph/onnx/encode';
import { transpose } from '../graph/ops';
import { programOf } from '../graph/program';
import { verify } from '../graph/verify';
import type { TargetSite } from '../models/types';
import { KernelError } from '../protocol/errors';
import { ortRuntime } from '../runtime/ort';
import type { Feeds, HostTensor, Session } from '../runtime/types';

export type Direction = 'merge' | 'unmerge';

interface CompiledFormula {
  readonly session: Session;
  /** Names of the inputs that its formula uses. */
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
    /** A base weight as it is stored, for formulas that need those of earlier blocks. */
    private readonly baseWeight: (site: TargetSite) => Float32Array,
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
    const outputs = await session.run(this.feeds(layer, weight, inputs));
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
    const before = layersBefore(this.plan, layer).length;
    const key = JSON.stringify([site.layout, site.outFeatures, site.inFeatures, config, before]);
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
    const { site, config } = layer;
    const graph = new Graph();
    const isTransposed = site.layout === 'in-out';
    const upright = (stored: Value): Value => (isTransposed ? transpose(stored, [1, 0]) : stored);
    const paramsOf = ({ params }: AdaptedLayer, back: number): Readonly<Record<string, Value>> =>
      Object.fromEntries(
        Object.entries(params).map(([name, { shape }]) => [name, graph.input(inputName(name, back), f32(...shape))]),
      );
    const before = layersBefore(this.plan, layer).map((other, i) => {
      let base: Value | undefined;
      return {
        params: paramsOf(other, i + 1),
        baseWeight: () => (base ??= upright(graph.input(inputName('weight', i + 1), f32(...storedShape(other))))),
      };
    });
    const shared = this.shared.map((t) => [t.param, graph.input(t.key, f32(...t.shape))] as const);
    const result = this.formula(
      upright(graph.input('weight', f32(...storedShape(layer)))),
      paramsOf(layer, 0),
      config,
      Object.fromEntries(shared),
      (back) => before[back - 1] ?? null,
    );
    return upright(result);
  }

  /** A session refuses feeds that its formula does not use, and they are not read. */
  private feeds(layer: AdaptedLayer, weight: Float32Array, inputs: ReadonlySet<string>): Feeds {
    const tensor = (key: string, shape: readonly number[]): HostTensor => {
      const data = this.parameters.get(key);
      if (!data) throw new KernelError('internal', `no values for ${key}`);
      return { dtype: 'f32', shape, data };
    };
    const feeds: Record<string, HostTensor> = {};
    const add = (name: string, make: () => HostTensor): void => {
      if (inputs.has(name)) feeds[name] = make();
    };
    [layer, ...layersBefore(this.plan, layer)].forEach((other, back) => {
      const { site, params } = other;
      const stored = (): Float32Array => (back === 0 ? weight : this.baseWeight(site));
      add(inputName('weight', back), () => ({ dtype: 'f32', shape: storedShape(other), data: stored() }));
      for (const [name, { shape }] of Object.entries(params)) {
        add(inputName(name, back), () => tensor(`${site.path}.${name}`, shape));
      }
    });
    for (const t of this.shared) add(t.key, () => tensor(t.key, t.shape));
    return feeds;
  }

  private get shared(): AdapterPlan['trained'] {
    return [...this.plan.trained, ...this.plan.frozen].filter((t) => t.module === SHARED_MODULE);
  }
}

/** Inputs of the layer itself, and of the same projection some blocks earlier. */
const inputName = (name: string, back: number): string => (back === 0 ? name : `${back} before.${name}`);

const storedShape = ({ site }: AdaptedLayer): readonly number[] =>
  site.layout === 'out-in' ? [site.outFeatures, site.inFeatures] : [site.inFeatures, site.outFeatures];
