/** @file What a model family states about itself: its configuration, its tensors, its adaptable layers, its forward pass. */
import type { Graph, Value } from '../graph/graph';
import type { Problem } from '../protocol/errors';

/** One linear map of the base model that an adapter can be put on. */
export interface TargetSite {
  /** Module path as in the checkpoint: `model.layers.0.self_attn.q_proj`. */
  readonly path: string;
  readonly inFeatures: number;
  readonly outFeatures: number;
  /** Names of its tensors in the checkpoint. */
  readonly weight: string;
  readonly bias: string | null;
  /** How the checkpoint stores the weight: [out, in], or [in, out] (GPT-2's Conv1D). */
  readonly layout: 'out-in' | 'in-out';
  /** Index of its transformer block. */
  readonly layer: number;
  /** Last part of the path; the same projection of other blocks has the same one. */
  readonly projection: string;
}

/** Gives a checkpoint tensor as a value of the graph: a frozen weight in its file, or a trained input. */
export interface WeightSource {
  get(name: string): Value;
}

/** Builds one adapted (or plain) linear layer: `x` [tokens, in] → [tokens, out]. */
export type ApplyLinear = (site: TargetSite, x: Value) => Value;

export interface ModelInputs {
  readonly graph: Graph;
  /** Token ids i32[batch·length], right-padded rows one after the other; position counts from 0 in each row. */
  readonly ids: Value;
  readonly batch: number;
  readonly length: number;
  /**
   * f32[batch, length]: 0 at tokens, a large negative number at padding. Needed only where padding comes before
   * tokens; behind causal attention, padding on the right is never seen.
   */
  readonly paddingBias?: Value;
  /** Gets the keys and values of each layer, so that later positions need not compute them again. */
  readonly keep?: (layer: number, kept: KeysAndValues) => void;
  /** What earlier positions kept. Then `length` is 1: the ids are the next token of each row. */
  readonly past?: PastInputs;
}

/** Of one layer, positions already in them: both [batch, kvHeads, positions, headDim]. */
export interface KeysAndValues {
  readonly keys: Value;
  readonly values: Value;
}

export interface PastInputs {
  /** Positions there is room for. */
  readonly capacity: number;
  /** Position of the token of each row: i32[batch]. */
  readonly positions: Value;
  /**
   * f32[batch, capacity]: 0 at positions that are kept and within the window before the token, a large negative number at all
   * others. `window`: how many positions the token sees, its own included; null: all.
   */
  bias(window: number | null): Value;
  /** [batch, kvHeads, capacity, headDim]. */
  layer(layer: number): KeysAndValues;
}

export interface ParsedConfig<C> {
  readonly config: C;
  /** Fields that are unknown here; they are named and not silently ignored. */
  readonly warnings: readonly Problem[];
}

/** What every family's configuration offers to the rest. */
export interface CommonConfig {
  readonly vocabularySize: number;
  readonly hiddenSize: number;
  readonly layers: number;
  /** Longest sequence for which our attention is exactly the model's. */
  readonly maxLength: number;
}

/** The language-model head: logits = hidden · weightᵀ. Tied: the checkpoint has no `weight`, it is the tensor `tiedTo`. */
export interface HeadSpec {
  readonly path: string;
  readonly weight: string;
  readonly tiedTo: string | null;
  /** Logits are bent into (−softCap, softCap); null: they are not. */
  readonly softCap: number | null;
}

/** What a family keeps of a position in each layer. */
export interface KeptSpec {
  readonly kvHeads: number;
  readonly headDim: number;
  /** The windows that its layers see, each once; null: all positions. */
  readonly windows: readonly (number | null)[];
}

export interface ModelArchitecture<C extends CommonConfig = CommonConfig> {
  /** `model_type` of config.json. */
  readonly id: string;
  /** What PEFT adapts by default. */
  readonly defaultTargetModules: readonly string[];
  /** Throws with one problem per field that is missing, wrong or not supported. `has`: whether the checkpoint has a tensor. */
  parseConfig(json: Readonly<Record<string, unknown>>, file: string, has: (tensor: string) => boolean): ParsedConfig<C>;
  /** Every tensor the checkpoint must hold, with its shape. */
  tensors(config: C): ReadonlyMap<string, readonly number[]>;
  sites(config: C): readonly TargetSite[];
  head(config: C): HeadSpec;
  /** What `ModelInputs.keep` and `past` keep of a position in each layer; absent: the family has no graph for them. */
  kept?(config: C): KeptSpec;
  /** Hidden states after the last norm: [batch·length, hidden]. */
  hidden(config: C, inputs: ModelInputs, weights: WeightSource, linear: ApplyLinear): Value;
}
