/** @file The values of a plan's tensors: one flat vector of what is trained, one of what is frozen, and views by key. */
import * as l10n from '@vscode/l10n';
import type { AdapterPlan, PlannedTensor } from '../adapters/plan';
import { SHARED_MODULE } from '../adapters/plan';
import { matrix, transpose } from '../analysis/linalg/matrix';
import type { Matrix } from '../analysis/linalg/matrix';
import type { BaseModel } from '../models/baseModel';
import type { TargetSite } from '../models/types';
import { KernelError } from '../protocol/errors';
import { seededUniform } from '../util/mt19937';
import { createRandom, normalStream } from '../util/random';
import { annihilating, orthonormalRows, LeadingValues } from './factorValues';

export class Parameters {
  readonly trained: Float32Array;
  readonly frozen: Float32Array;
  private readonly views = new Map<string, Float32Array>();

  constructor(readonly plan: AdapterPlan) {
    this.trained = allocated(plan.trainedSize);
    this.frozen = allocated(plan.frozenSize);
    for (const t of plan.trained) this.views.set(t.key, this.trained.subarray(t.offset, t.offset + t.size));
    for (const t of plan.frozen) this.views.set(t.key, this.frozen.subarray(t.offset, t.offset + t.size));
  }

  /** The tensor itself, not a copy. */
  get(key: string): Float32Array {
    const view = this.views.get(key);
    if (!view) throw new KernelError('internal', `the plan has no tensor ${key}`);
    return view;
  }

  /** Copies values in; throws when the size is another. */
  set(key: string, values: Float32Array): void {
    const view = this.get(key);
    if (values.length !== view.length) {
      throw new KernelError('internal', `${key} has ${view.length} elements, not ${values.length}`);
    }
    view.set(values);
  }

  /** The parameters of one adapted layer by their short names. */
  layer(path: string, names: readonly string[]): Record<string, Float32Array> {
    return Object.fromEntries(names.map((name) => [name, this.get(`${path}.${name}`)]));
  }

  /** The tensors that all layers share, by their short names. */
  get shared(): Record<string, Float32Array> {
    const all = [...this.plan.trained, ...this.plan.frozen].filter((t) => t.module === SHARED_MODULE);
    return Object.fromEntries(all.map((t) => [t.param, this.get(t.key)]));
  }

  /** Starts every tensor as the plan says. Each draws from its own stream, so that one more layer changes no other. */
  initialise(model: BaseModel, seed: number): this {
    for (const started of this.starting(model, seed)) void started;
    return this;
  }

  /** The same in pieces, for starts that are taken out of the base weights and may take minutes. Throws when the signal fires. */
  async initialiseInPieces(
    model: BaseModel,
    seed: number,
    { signal, onProgress }: { readonly signal?: AbortSignal; readonly onProgress?: (fraction: number) => void },
  ): Promise<this> {
    let told = performance.now();
    for (const started of this.starting(model, seed)) {
      if (performance.now() - told < PIECE_MS) continue;
      onProgress?.(started);
      await new Promise((resume) => setImmediate(resume));
      signal?.throwIfAborted();
      told = performance.now();
    }
    return this;
  }

  /** The share of the tensors that have started, after each. */
  private *starting(model: BaseModel, seed: number): Generator<number> {
    const leading = new LeadingValues((module) => uprightWeight(module, model));
    // All tensors of a layer before those of the next: they start from one decomposition.
    const all = [...this.plan.trained, ...this.plan.frozen];
    const layers = new Map(all.map(({ module }) => [module, all.filter((t) => t.module === module)]));
    let count = 0;
    for (const tensor of [...layers.values()].flat()) {
      start(tensor, this.get(tensor.key), model, seed, leading);
      yield ++count / all.length;
    }
  }
}

/** How long it may go on without looking up. */
const PIECE_MS = 200;

function allocated(size: number): Float32Array {
  try {
    return new Float32Array(size);
  } catch (cause) {
    const found = l10n.t(
      '{0} parameters in one piece of memory cannot be had ({1})',
      size.toLocaleString('en'),
      String(cause),
    );
    throw new KernelError('machine/failed', l10n.t('{0}; train fewer: a smaller rank, fewer modules', found), {
      cause,
    });
  }
}

function start(
  tensor: PlannedTensor,
  into: Float32Array,
  model: BaseModel,
  seed: number,
  leading: LeadingValues,
): void {
  const init = tensor.start;
  switch (init.kind) {
    case 'zeros':
      into.fill(0);
      return;
    case 'constant':
      into.fill(init.value);
      return;
    case 'base':
      into.set(model.checkpoint.readF32(init.tensor));
      return;
    case 'baseRowNorms':
      into.set(baseRowNorms(tensor.module, model));
      return;
    case 'kaimingUniform': {
      const bound = 1 / Math.sqrt(tensor.shape.at(-1) ?? 1);
      const uniform = uniformStream(seed, tensor.key);
      for (let i = 0; i < into.length; i++) into[i] = (2 * uniform() - 1) * bound;
      return;
    }
    case 'torchUniform':
      seededUniform(into, init);
      return;
    case 'orthonormal':
      into.set(orthonormal(tensor, init.along, uniformStream(seed, tensor.key)));
      return;
    case 'baseSingular':
      into.set(leading.vectors(tensor, init.side));
      return;
    case 'annihilating':
      into.set(annihilating(tensor.shape, init.factor, (name) => uniformStream(seed, `${tensor.module}.${name}`)));
      return;
    case 'principal':
      into.set(leading.factor(tensor, init, () => uniformStream(seed, `${tensor.module}.principal`)));
      return;
    case 'normal': {
      const normal = normalStream(uniformStream(seed, tensor.key));
      for (let i = 0; i < into.length; i++) into[i] = init.std * normal();
      return;
    }
  }
}

/** [count, length] with orthonormal rows, or [length, count] with such columns. */
function orthonormal({ shape }: PlannedTensor, along: 'rows' | 'columns', uniform: () => number): Float64Array {
  const [first = 0, second = 0] = shape;
  if (along === 'rows') return orthonormalRows(first, second, uniform).data;
  return transpose(orthonormalRows(second, first, uniform)).data;
}

/** The base weight of a layer as [out, in]. */
function uprightWeight(module: string, model: BaseModel): Matrix {
  const { weight, layout, inFeatures, outFeatures } = siteOf(module, model);
  const stored = model.checkpoint.readF32(weight);
  if (layout === 'out-in') return matrix(outFeatures, inFeatures, stored);
  return transpose(matrix(inFeatures, outFeatures, stored));
}

function siteOf(module: string, model: BaseModel): TargetSite {
  const site = [...model.sites, ...model.outerSites].find((s) => s.path === module);
  if (!site) throw new KernelError('internal', `there is no layer ${module}`);
  return site;
}

/** ‖wᵢ‖ of each output of a layer's base weight, accumulated in float64. */
function baseRowNorms(module: string, model: BaseModel): Float64Array {
  const site = siteOf(module, model);
  const weight = model.checkpoint.readF32(site.weight);
  const { inFeatures, outFeatures, layout } = site;
  const [step, stride] = layout === 'out-in' ? [1, inFeatures] : [outFeatures, 1];
  return Float64Array.from({ length: outFeatures }, (_, row) => {
    let sum = 0;
    for (let i = 0; i < inFeatures; i++) sum += (weight[row * stride + i * step] ?? NaN) ** 2;
    return Math.sqrt(sum);
  });
}

/** Numbers in [0, 1) that depend on the seed and the tensor's name only. */
function uniformStream(seed: number, key: string): () => number {
  let hash = 0x811c9dc5; // FNV-1a
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193) >>> 0;
  const random = createRandom(seed, hash);
  return () => (random.uint32() >>> 8) * 2 ** -24;
}
