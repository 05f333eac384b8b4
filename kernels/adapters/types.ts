/**
 * @file What an adapter method is: one object from which training, merging, files, validation, the form and the
 * analyses all follow. docs/architecture.md walks every method of the papers through this interface.
 */
import type { Value } from '../graph/graph';
import type { TargetSite } from '../models/types';
import type { Fix } from '../protocol/errors';
import type { ConfigOf, Fields } from '../util/fields';
import type { BuiltLayer, ByParam, MethodFigure } from './activity';

/** How a parameter starts. Random ones draw from a stream of their own, so that order does not matter. */
export type Init =
  | { readonly kind: 'zeros' }
  | { readonly kind: 'constant'; readonly value: number }
  /** U(−1/√fanIn, 1/√fanIn), fanIn = the last size: Kaiming uniform with a = √5. */
  | { readonly kind: 'kaimingUniform' }
  | { readonly kind: 'normal'; readonly std: number }
  /** U(−bound, bound) as PyTorch draws it from a generator of this seed, after `skip` numbers. */
  | { readonly kind: 'torchUniform'; readonly seed: number; readonly skip: number; readonly bound: number }
  /** Random directions at right angles to each other, each of length 1. */
  | { readonly kind: 'orthonormal'; readonly along: 'rows' | 'columns' }
  /** One of two random factors with B·A = 0, both about 1/10 in size: PEFT's `orthogonal`. */
  | { readonly kind: 'annihilating'; readonly factor: 'A' | 'B' }
  /**
   * One of the factors whose scaling·B·A is the part of the base weight with the largest singular values: √(S/s)·Vᵀ and U·√(S/s).
   * `rounds`: of subspace iteration; 0: the exact decomposition.
   */
  | { readonly kind: 'principal'; readonly factor: 'A' | 'B'; readonly scaling: number; readonly rounds: number }
  /** The first singular vectors of the base weight [out, in]: right ones as rows, left ones as columns. */
  | { readonly kind: 'baseSingular'; readonly side: 'left' | 'right' }
  /** L2 norm of each row of the base weight [out, in]. */
  | { readonly kind: 'baseRowNorms' };

export interface ParamSpec {
  readonly shape: readonly number[];
  readonly init: Init;
  readonly trainable: boolean;
  /** Optimiser group: tensors of one group share a learning rate. Default: `default`. */
  readonly group?: string;
  /** False exempts the tensor from weight decay. Default: true. */
  readonly decays?: boolean;
  /** A number that training measures (`AdapterMethod.measures`) and merging reads; not part of the forward pass. */
  readonly isMeasured?: boolean;
}

/** One adapted layer while the graph is built. */
export interface LayerContext<P extends string = string, O extends string = never> {
  readonly site: TargetSite;
  /** Input of the layer: [tokens, in]; token ids i32[tokens] to an embedding. */
  readonly x: Value;
  readonly params: ByParam<P, O, Value>;
  /** Tensors that all layers share (`AdapterMethod.shared`). */
  readonly shared: Readonly<Record<string, Value>>;
  /** W in the layout [out, in], whatever the checkpoint's layout is. */
  readonly baseWeight: () => Value;
  /** b [out], if the layer has one. */
  readonly baseBias: () => Value | null;
  /** The base layer's own output x·Wᵀ + b: [tokens, out]. */
  readonly baseOutput: () => Value;
  /** The same projection `back` blocks earlier, if it is adapted and all its sizes are the same. */
  readonly previous: (back: number) => Pick<LayerContext<P, O>, 'x' | 'params' | 'dropout'> | null;
  /**
   * Dropout of the adapter branch; the identity outside training and at probability 0. Of the same value it is the same.
   * `term`: which of `dropoutTerms` masks; default: the first.
   */
  readonly dropout: (v: Value, term?: number) => Value;
}

/** What the merged weight of a layer may need of the same projection in earlier blocks: `back` blocks before it. */
export type PreviousWeights<P extends string = string, O extends string = never> = (
  back: number,
) => { readonly baseWeight: () => Value; readonly params: ByParam<P, O, Value> } | null;

/** The values of the same projection's parameters `back` blocks before. */
export type PreviousParams<P extends string = string, O extends string = never> = (
  back: number,
) => ByParam<P, O, Float32Array> | null;

/** The merged weight [out, in] of one layer from its base weight. The layout is always that. */
export type WeightFormula<F extends Fields, P extends string, O extends string> = (
  weight: Value,
  params: ByParam<P, O, Value>,
  config: ConfigOf<F>,
  shared: Readonly<Record<string, Value>>,
  previous: PreviousWeights<P, O>,
) => Value;

/** The way back from a merged weight; `record`: what `mergeRecord` said of the layer when it was merged. */
export type UnmergeFormula<F extends Fields, P extends string, O extends string> = (
  ...args: [...Parameters<WeightFormula<F, P, O>>, record: Readonly<Record<string, Value>>]
) => Value;

/** What an update ΔW = scaling · B·A consists of: A [rank, in], B [out, rank]. */
export interface Factors {
  readonly a: Float32Array;
  readonly b: Float32Array;
  readonly rank: number;
  readonly scaling: number;
}

/** A matrix, row by row, whose singular values times `scale` are `times` over among those of the delta weight. */
export interface Core {
  readonly rows: number;
  readonly cols: number;
  readonly data: Float64Array;
  readonly scale: number;
  readonly times: number;
}

/**
 * An adapter of the same method that does the same as the trained one, and from which the trained one comes back to the bit:
 * what PEFT can read of tensors and options it does not have. Everything but a run that goes on sees this form alone.
 */
export interface StoredForm<F extends Fields = Fields> {
  readonly config: ConfigOf<F>;
  /** Tensors of a layer as its trained form has them → as the stored configuration has them. */
  pack(params: NamedTensors, site: TargetSite): NamedTensors;
  unpack(stored: NamedTensors, site: TargetSite): NamedTensors;
}

export type NamedTensors = Readonly<Record<string, Float32Array>>;

/**
 * `key`: the method's field that is at fault, where it is not the choice of layers. `limit`: the most that the field may be on
 * this layer, so that of several layers the one is named that allows least.
 */
export type Refusal = { readonly reason: string; readonly key?: string; readonly limit?: number };

export interface AdapterMethod<F extends Fields = Fields, P extends string = string, O extends string = never> {
  readonly id: string;
  readonly label: string;
  /** What it trains, in a sentence or two with its formula: help in the editor and text of docs/methods.md. */
  readonly summary: string;
  readonly paper: string;
  /** Fields of the configuration's `adapter:` section, besides `method` and `init_from`. */
  readonly config: F;
  /**
   * Values in PEFT's adapter_config.json that make an adapter one of this method; written, and required when read. Where
   * several methods' marks fit, the one with the most is meant.
   */
  readonly peft: Readonly<Record<string, string | boolean>>;
  /**
   * An object of its own in adapter_config.json, for what PEFT has no fields for: its name, and the method's fields that are
   * not PEFT's. An adapter is of this method only when the object is there.
   */
  readonly ownKeys?: {
    readonly name: string;
    write(config: ConfigOf<F>): object;
    read(keys: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>>;
  };
  /** Tensors that files hold once more under another name, as other programs write them: that name → the parameter. */
  readonly copies?: Readonly<Record<string, P>>;
  /** How files hold an adapter of this configuration, where that is not tensor by tensor. */
  stored?(config: ConfigOf<F>, sites: readonly TargetSite[]): StoredForm<F> | undefined;
  supports(site: TargetSite, config: ConfigOf<F>): true | Refusal;
  /** Trainable and frozen tensors of one layer, by their names in adapter files. */
  params(site: TargetSite, config: ConfigOf<F>): ByParam<P, O, ParamSpec>;
  /**
   * Of a method that joins a layer with the same projection in blocks before: with how many of them (Infinity: all), and the
   * key that says so. A plan in which so many are never there is refused.
   */
  links?(config: ConfigOf<F>): { readonly key: string; readonly blocks: number };
  /** Fields that name some of the adapted modules by PEFT's rules; one that names none is refused. */
  readonly moduleFields?: readonly string[];
  /** Tensors that all adapted layers share. */
  shared?(sites: readonly TargetSite[], config: ConfigOf<F>): Readonly<Record<string, ParamSpec>>;
  /**
   * Of a method that changes with each restart (`relora:`): its configuration in a cycle, counted from 1, or why there is
   * none, with edits of the configuration that put it right. `types`: what `relora.mora_types` names.
   */
  configOfCycle?(
    config: ConfigOf<F>,
    cycle: number,
    types: readonly unknown[] | undefined,
  ): { readonly config: ConfigOf<F> } | (Refusal & { readonly fixes: readonly Fix[] });
  /** The configuration of one layer, where patterns give it a rank or alpha of its own. */
  configOf(site: TargetSite, config: ConfigOf<F>): ConfigOf<F>;
  /**
   * The merged weight W' [out, in]: the truth of the method. `null`: this method has no exact merge.
   * `mergedWeight − W` is the delta weight of every analysis.
   */
  mergedWeight: WeightFormula<F, P, O> | null;
  /**
   * Why the merged weight of this configuration only comes close to the adapter, as a sentence; undefined: it is exact up to
   * rounding.
   */
  approximates?(config: ConfigOf<F>): string | undefined;
  /**
   * Of a configuration that can be merged in several ways, none of them exact: the field that chooses, and its choices. Merging
   * reports the error of each.
   */
  mergeWays?(config: ConfigOf<F>): { readonly key: string; readonly ways: readonly string[] } | undefined;
  /** The base weight [out, in] back from the merged one; `null`: what the merge changed cannot be undone. */
  unmergedWeight: UnmergeFormula<F, P, O> | null;
  /**
   * Tensors that unmerging needs and that the merged weight no longer tells, such as norms of the base: the merge writes them
   * into its folder. Arguments as those of `mergedWeight`; empty for a configuration that needs none.
   */
  mergeRecord?(...args: Parameters<WeightFormula<F, P, O>>): Readonly<Record<string, Value>>;
  /** The layer's output, cheaper than through the merged weight; the method suite compares the two. */
  forward(layer: LayerContext<P, O>, config: ConfigOf<F>): Value;
  /**
   * The same at an embedding, whose `x` are token ids i32[tokens]: the rows of the table and of the update, without dropout.
   * Absent: the method adapts no embeddings.
   */
  embed?(layer: LayerContext<P, O>, config: ConfigOf<F>): Value;
  /** Scalars of a training step whose means over the latest batches become the tensors of the same names. */
  measures?(layer: LayerContext<P, O>, config: ConfigOf<F>): Readonly<Partial<Record<P | O, Value>>>;
  /** How many latest batches the means of `measures` go over. */
  measuredBatches?(config: ConfigOf<F>): number;
  /** What the adapter adds to the bias [out] of a layer; undefined: nothing. Merging adds it, unmerging takes it away. */
  deltaBias?(params: ByParam<P, O, Value>, config: ConfigOf<F>): Value | undefined;
  /**
   * The delta weight as factors, when it has low rank by construction: its spectrum is then exact and cheap. Undefined where
   * the configuration gives it none, or where its factors need base weights.
   */
  factors?(
    params: ByParam<P, O, Float32Array>,
    site: TargetSite,
    config: ConfigOf<F>,
    shared: Readonly<Record<string, Float32Array>>,
    previous: PreviousParams<P, O>,
  ): Factors | undefined;
  /**
   * Of a method that also sets the lengths of the rows, so that its delta weight is no product and has full rank as soon as
   * they change: the low-rank update that turns the rows, as factors (DoRA's directional update s·B·A). Its rank curves are
   * drawn under that name beside those of the delta weight. Arguments as those of `factors`.
   */
  direction?(
    params: ByParam<P, O, Float32Array>,
    site: TargetSite,
    config: ConfigOf<F>,
    shared: Readonly<Record<string, Float32Array>>,
    previous: PreviousParams<P, O>,
  ): Factors | undefined;
  /**
   * Matrices that together have the non-zero singular values of the delta weight, where they are smaller than it. Undefined
   * for a layer whose spectrum is too costly during a run.
   */
  cores?(params: ByParam<P, O, Float32Array>, site: TargetSite, config: ConfigOf<F>): readonly Core[] | undefined;
  /**
   * Scalars of a layer in a forward pass over a few tokens without dropout, for figures of `activity` that show in outputs only.
   * They are computed for the first blocks alone, so they may cost as much as the layer itself.
   */
  probes?(layer: BuiltLayer<P, O>, config: ConfigOf<F>): Readonly<Record<string, Value>>;
  /** What shows in a run that the method does what it says, each figure with its rule. */
  readonly activity: readonly MethodFigure<ConfigOf<F>, NoInfer<P>, NoInfer<O>>[];
  /** How many masks of dropout a layer uses that has `before` layers before it in its chain; default: one. */
  dropoutTerms?(config: ConfigOf<F>, before: number): number;
  /** Probability of dropout on the adapter branch. */
  dropout(config: ConfigOf<F>): number;
  /** Where the adapters go, and which base tensors are trained in full beside them (biases, modules_to_save) or in their place. */
  selection(config: ConfigOf<F>): Selection;
}

/** Where a method's adapters go, and what else it trains: PEFT's rules, shared by all methods that target modules. */
export interface Selection {
  readonly targetModules: string | readonly string[];
  readonly excludeModules: string | readonly string[] | null;
  readonly layersToTransform: readonly number[] | null;
  readonly layersPattern: readonly string[];
  readonly modulesToSave: readonly string[];
  readonly bias: 'none' | 'all' | 'lora_only';
  /** Of a method without adapters: it targets no modules, and trains tensors of the base model themselves. */
  readonly base?: BaseSelection;
}

/** A tensor of the base model, as a method that trains such tensors themselves chooses among them. */
export interface BaseTensor {
  /** As in the checkpoint. */
  readonly name: string;
  readonly shape: readonly number[];
  /** Index of its transformer block; null: it is outside of them. */
  readonly block: number | null;
  /** Belongs to a head that answers for a whole text, such as a classifier. */
  readonly isTaskHead: boolean;
}

/**
 * Which tensors of a model with `blocks` transformer blocks are trained. A tied head follows the embedding: it is one tensor,
 * and trained once.
 */
export interface BaseSelection {
  trains(tensor: BaseTensor, blocks: number): boolean;
  /** Why a model cannot be trained so: the key of the adapter section that asks for it, what was found, what would help. */
  refuses(
    tensors: readonly BaseTensor[],
    blocks: number,
  ): { readonly key: string; readonly found: string; readonly expected: string } | undefined;
}

export type { ByParam } from './activity';

/** Keeps the parameter names of `params` in the types of `mergedWeight`, `forward` and `factors`. */
export function defineAdapter<const F extends Fields, const P extends string, const O extends string = never>(
  method: AdapterMethod<F, P, O>,
): AdapterMethod<F, P, O> {
  return method;
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- what the registry holds: a method whose own types are its own business
export type AnyAdapterMethod = AdapterMethod<any, any, any>;
