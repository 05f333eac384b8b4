/**
 * @file Computes merged weights (or the base weights back from them, or their difference) in float32 with the adapter
 * method's own formula, as a graph in the runtime: one session for each distinct shape and configuration of a layer.
 */
import * as l10n from '@vscode/l10n';
import type { TensorValues } from '../adapters/adapterFile';
import type { AdaptedLayer, AdapterPlan, PlannedTensor } from '../adapters/plan';
import { SHARED_MODULE } from '../adapters/plan';
import { layersBefore } from '../adapters/chains';
import type { PreviousWeights } from '../adapters/types';
import { fuseGemmAdd } from '../graph/fuseGemmAdd';
import { f32, Graph, sameShape } from '../graph/graph';
import type { Value } from '../graph/graph';
import { encodeOnnx } from '../graph/onnx/encode';
import { add, sub, transpose } from '../graph/ops';
import { programOf } from '../graph/program';
import { verify } from '../graph/verify';
import type { TargetSite } from '../models/types';
import { KernelError } from '../protocol/errors';
import { ortRuntime } from '../runtime/ort';
import type { Feeds, HostTensor, Session } from '../runtime/types';

/** `delta`: what merging adds to the weight. */
export type Direction = 'merge' | 'unmerge' | 'delta';

/** What the formulas need to know of a plan. */
export interface FormulaPlan extends Pick<AdapterPlan, 'method' | 'layers'> {
  /** Tensors that all layers share. */
  readonly shared: readonly Pick<PlannedTensor, 'key' | 'param' | 'shape'>[];
}

export function formulaPlan({ method, layers, trained, frozen }: AdapterPlan): FormulaPlan {
  return { method, layers, shared: [...trained, ...frozen].filter((t) => t.module === SHARED_MODULE) };
}

interface CompiledFormula {
  readonly session: Session;
  /** Names of the inputs that its formula uses. */
  readonly inputs: ReadonlySet<string>;
  /** The layer's own weight is only added to: what is added does not depend on it. */
  readonly isAdditive: boolean;
}

/** Tensors by module and name that a merge notes for the way back. */
export interface WeightRecord {
  add(module: string, name: string, data: Float32Array): void;
  /** Throws `input/refused` for what was not noted. */
  get(module: string, name: string): { readonly shape: readonly number[]; readonly data: Float32Array };
}

interface Formula {
  /** `result`, and what merging notes. */
  readonly outputs: Readonly<Record<string, Value>>;
  readonly isAdditive: boolean;
}

type OwnFeeds = Readonly<Partial<Record<'weight' | 'bias', () => Float32Array>>>;

export class LayerWeights {
  private readonly sessions = new Map<string, Promise<CompiledFormula>>();

  /**
   * Throws `adapter/unsupported` when the method has no exact merge, or none that can be undone. `record`: what merging notes
   * for the way back, and what unmerging finds.
   */
  constructor(
    private readonly plan: FormulaPlan,
    private readonly parameters: TensorValues,
    private readonly direction: Direction,
    /** A base weight as it is stored: where only the difference is wanted, and for formulas that need those of earlier blocks. */
    private readonly baseWeight: (site: TargetSite) => Float32Array,
    private readonly record?: WeightRecord,
  ) {
    const { label, mergedWeight, unmergedWeight } = plan.method;
    if (direction === 'unmerge' ? unmergedWeight : mergedWeight) return;
    const reason =
      direction === 'unmerge' ? l10n.t('cannot be taken out of a merged weight') : l10n.t('has no exact merge');
    throw new KernelError(
      'adapter/unsupported',
      l10n.t('{0} {1}; keep the base and the adapter folder', label, reason),
    );
  }

  /** `weight` in the checkpoint's layout, merged or unmerged; the same layout comes back. */
  async apply(layer: AdaptedLayer, weight: Float32Array): Promise<Float32Array> {
    const { result, ...noted } = await this.run(await this.compiled(layer), layer, { weight: () => weight });
    if (this.direction === 'merge') {
      for (const [name, data] of Object.entries(noted)) this.record?.add(layer.site.path, name, data);
    } else if (!result.every(Number.isFinite)) {
      const found = l10n.t('{0} was multiplied with 0 when the adapter was merged', layer.site.path);
      throw new KernelError(
        'adapter/unsupported',
        l10n.t('{0}: what stood there cannot be told; keep the base', found),
      );
    }
    return result;
  }

  /** The bias of the layer with what the adapter adds to it, or without it again. */
  async applyBias(layer: AdaptedLayer, bias: Float32Array): Promise<Float32Array> {
    const formula = await this.compiled(layer, 'bias');
    return (await this.run(formula, layer, { bias: () => bias })).result;
  }

  /**
   * What merging adds to the weight of a layer: [out, in] whatever the checkpoint's layout. Of a formula that only adds, it is
   * free of the weight's rounding, and the weight is not asked for.
   */
  async delta(layer: AdaptedLayer): Promise<Float32Array> {
    const formula = await this.compiled(layer);
    const zeros = (): Float32Array => new Float32Array(layer.site.outFeatures * layer.site.inFeatures);
    const weight = formula.isAdditive ? zeros : () => this.baseWeight(layer.site);
    return (await this.run(formula, layer, { weight })).result;
  }

  /** Whether the formula of a layer reads base weights; of a delta, its own only where it is more than added to. */
  needsBase(layer: AdaptedLayer): boolean {
    const { outputs, isAdditive } = this.build(layer);
    const isWeight = (name: string): boolean =>
      name === 'weight' ? !isAdditive || this.direction !== 'delta' : name.endsWith(' before.weight');
    return programOf(outputs).leaves.some(({ leaf }) => leaf?.kind === 'input' && isWeight(leaf.name));
  }

  /** Whether the adapter changes the bias of a layer. */
  changesBias(layer: AdaptedLayer): boolean {
    return layer.site.bias !== null && this.deltaBias(new Graph(), layer) !== undefined;
  }

  async dispose(): Promise<void> {
    const open = [...this.sessions.values()];
    this.sessions.clear();
    for (const formula of open) await (await formula).session.dispose();
  }

  private async run(
    { session, inputs }: CompiledFormula,
    layer: AdaptedLayer,
    own: OwnFeeds,
  ): Promise<Readonly<Record<string, Float32Array>> & { readonly result: Float32Array }> {
    const { result, ...noted } = await session.run(this.feeds(layer, own, inputs));
    if (!result) throw new KernelError('internal', 'the session has no output result');
    return { ...noted, result };
  }

  private compiled(layer: AdaptedLayer, what: 'weight' | 'bias' = 'weight'): Promise<CompiledFormula> {
    const { site, config, params } = layer;
    const before = layersBefore(this.plan, layer).length;
    const names = Object.keys(params);
    const key = JSON.stringify([what, site.layout, site.outFeatures, site.inFeatures, config, names, before]);
    const known = this.sessions.get(key);
    if (known) return known;
    const { outputs, isAdditive } = what === 'weight' ? this.build(layer) : this.buildBias(layer);
    const program = fuseGemmAdd(programOf(outputs));
    verify(program, 'fuseGemmAdd');
    const bytes = encodeOnnx(program, { target: 'cpu', weightsFolder: '' });
    const inputs = new Set(program.leaves.flatMap(({ leaf }) => (leaf?.kind === 'input' ? [leaf.name] : [])));
    const formula = ortRuntime
      // One thread: the products take no longer than the copies around them, through which a pool's threads would spin.
      .compile(bytes, { device: 'cpu', threads: 1, weightsFolder: '' })
      .then((session) => ({ session, inputs, isAdditive }));
    this.sessions.set(key, formula);
    return formula;
  }

  private build(layer: AdaptedLayer): Formula {
    const { site, config } = layer;
    const graph = new Graph();
    const isTransposed = site.layout === 'in-out';
    const upright = (stored: Value): Value => (isTransposed ? transpose(stored, [1, 0]) : stored);
    const before = layersBefore(this.plan, layer).map((other, i) => {
      let base: Value | undefined;
      return {
        params: paramInputs(graph, other, i + 1),
        baseWeight: () => (base ??= upright(graph.input(inputName('weight', i + 1), f32(...storedShape(other))))),
      };
    });
    const shared = this.plan.shared.map((t) => [t.param, graph.input(t.key, f32(...t.shape))] as const);
    const weight = upright(graph.input('weight', f32(...storedShape(layer))));
    const previous: PreviousWeights = (back) => before[back - 1] ?? null;
    const args = [weight, paramInputs(graph, layer, 0), config, Object.fromEntries(shared), previous] as const;
    const { method } = this.plan;
    const noted = method.mergeRecord?.(...args) ?? {};
    if (this.direction === 'unmerge') {
      const record = Object.entries(noted).map(
        ([name, { type }]) => [name, graph.input(recordName(name), type)] as const,
      );
      const result = method.unmergedWeight?.(...args, Object.fromEntries(record));
      if (!result) throw new KernelError('internal', l10n.t('{0} cannot be unmerged', method.label));
      return { outputs: { result: upright(result) }, isAdditive: onlyAddsTo(result, weight) };
    }
    const merged = method.mergedWeight?.(...args);
    if (!merged) throw new KernelError('internal', l10n.t('{0} cannot be merged', method.label));
    const isAdditive = onlyAddsTo(merged, weight);
    if (this.direction === 'merge') return { outputs: { result: upright(merged), ...noted }, isAdditive };
    // Fed with zeros, or with the weight in its place.
    return { outputs: { result: isAdditive ? merged : sub(merged, weight) }, isAdditive };
  }

  private buildBias(layer: AdaptedLayer): Formula {
    const graph = new Graph();
    const delta = this.deltaBias(graph, layer);
    if (!delta) throw new KernelError('internal', `${layer.site.path} has no bias to change`);
    const bias = graph.input('bias', delta.type);
    return {
      outputs: { result: this.direction === 'unmerge' ? sub(bias, delta) : add(bias, delta) },
      isAdditive: true,
    };
  }

  private deltaBias(graph: Graph, layer: AdaptedLayer): Value | undefined {
    return this.plan.method.deltaBias?.(paramInputs(graph, layer, 0), layer.config);
  }

  /** A session refuses feeds that its formula does not use, and they are not read. */
  private feeds(layer: AdaptedLayer, own: OwnFeeds, inputs: ReadonlySet<string>): Feeds {
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
      const stored = (): Float32Array => (back === 0 && own.weight ? own.weight() : this.baseWeight(site));
      add(inputName('weight', back), () => ({ dtype: 'f32', shape: storedShape(other), data: stored() }));
      for (const [name, { shape }] of Object.entries(params)) {
        add(inputName(name, back), () => tensor(`${site.path}.${name}`, shape));
      }
    });
    for (const t of this.plan.shared) add(t.key, () => tensor(t.key, t.shape));
    const { bias } = own;
    if (bias) add('bias', () => ({ dtype: 'f32', shape: [layer.site.outFeatures], data: bias() }));
    for (const input of inputs) {
      if (!input.startsWith(RECORD)) continue;
      const found = this.record?.get(layer.site.path, input.slice(RECORD.length));
      if (!found) throw new KernelError('internal', 'what the merge noted is not here');
      add(input, () => ({ dtype: 'f32', ...found }));
    }
    return feeds;
  }
}

/** Whether `sum` is the weight plus terms without it. */
function onlyAddsTo(sum: Value, weight: Value): boolean {
  if (sum === weight) return true;
  const { producer } = sum;
  if (producer?.op.name !== 'add') return false;
  const terms = Object.values(producer.inputs);
  const holding = terms.filter((term) => reaches(term, weight));
  return (
    holding.length === 1 &&
    holding.every((term) => sameShape(term.type.shape, sum.type.shape) && onlyAddsTo(term, weight))
  );
}

/** Values are numbered in the order of their making: one that is older than its goal cannot come from it. */
function reaches(from: Value, goal: Value): boolean {
  const seen = new Set<Value>();
  const stack = [from];
  for (let value = stack.pop(); value; value = stack.pop()) {
    if (value === goal) return true;
    if (seen.has(value) || value.id < goal.id) continue;
    seen.add(value);
    stack.push(...Object.values(value.producer?.inputs ?? {}));
  }
  return false;
}

/** Inputs of the layer itself, and of the same projection some blocks earlier. */
const inputName = (name: string, back: number): string => (back === 0 ? name : `${back} before.${name}`);

const RECORD = 'record.';
const recordName = (name: string): string => RECORD + name;

const paramInputs = (graph: Graph, { params }: AdaptedLayer, back: number): Readonly<Record<string, Value>> =>
  Object.fromEntries(
    Object.entries(params).map(([name, { shape }]) => [name, graph.input(inputName(name, back), f32(...shape))]),
  );

const storedShape = ({ site }: AdaptedLayer): readonly number[] =>
  site.layout === 'out-in' ? [site.outFeatures, site.inFeatures] : [site.inFeatures, site.outFeatures];
