/** @file What a model family states about itself: its configuration, its tensors, its adaptable layers, its forward pass. */
import type { Graph, Value } from '../graph/graph';
import type { Problem } from '../protocol/errors';

/** One linear map of the base model that an adapter can be put on. */
export interface TargetSite {
  /** Absent: a linear layer inside a block. The others are adapted only where they are named. */
  readonly kind?: 'embedding' | 'head';
  /** Module path as in the checkpoint: `model.layers.0.self_attn.q_proj`. */
  readonly path: string;
  readonly inFeatures: number;
  readonly outFeatures: number;
  /** Names of its tensors in the checkpoint. */
  readonly weight: string;
  readonly bias: string | null;
  /** How the checkpoint stores the weight: [out, in], or [in, out] (GPT-2's Conv1D). */
  readonly layout: 'out-in' | 'in-out';
  /** Index of its transformer block; -1: in none. */
  readonly layer: number;
  /** Last part of the path; the same projection of other blocks has the same one. */
  readonly projection: string;
}

/** Gives a checkpoint tensor as a value of the graph: a frozen weight in its file, or a trained input. */
export interface WeightSource {
  get(name: string): Value;
}

/** Builds one adapted (or plain) linear layer: `x` [tokens, in] → [tokens, out]. To an embedding, `x` are token ids i32[tokens]. */
export type ApplyLinear = (site: TargetSite, x: Value) => Value;

export interface ModelInputs {
  readonly graph: Graph;
  /** Token ids i32[batch·length], right-padded rows one after the other; position counts from 0 in each row. */
  readonly ids: Value;
  readonly batch: number;
  readonly length: number;
  /**
   * f32[batch, length]: 0 at tokens, a large negative number at padding. Behind causal attention needed only where padding
   * comes before tokens: on the right it is never seen. Encoders always get it.
   */
  readonly paddingBias?: Value;
  /** Of an encoder: position of each token, i32[batch·length], as `EncoderInputs.positions` counts. */
  readonly positions?: Value;
  /** Of an encoder that tells kinds of tokens apart: the kind of each, i32[batch·length]. */
  readonly tokenTypes?: Value;
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

/** What a model is asked for: the next token at each position, or one answer for a whole text. */
export type Task = { readonly kind: 'next-token' } | SequenceTask;

export type SequenceTask =
  /** One of the labels, by their ids from 0. */
  | { readonly kind: 'classification'; readonly labels: readonly string[] }
  /** One number. */
  | { readonly kind: 'regression' };

export type HeadSpec = NextTokenHead | SequenceHead;

/** The language-model head: logits = hidden · weightᵀ. Tied: the checkpoint has no `weight`, it is the tensor `tiedTo`. */
export interface NextTokenHead {
  readonly kind: 'next-token';
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

/** A head that is the embedding: the name its tensor would have, and that of the embedding. Null: a head of its own. */
export function tiedHead(head: HeadSpec): { readonly weight: string; readonly tiedTo: string } | null {
  if (head.kind !== 'next-token' || head.tiedTo === null) return null;
  return { weight: head.weight, tiedTo: head.tiedTo };
}

/** Numbers in one answer: the size of the vocabulary, of the labels, or 1. */
export function answerWidth(task: Task, { vocabularySize }: Pick<CommonConfig, 'vocabularySize'>): number {
  if (task.kind === 'next-token') return vocabularySize;
  return task.kind === 'regression' ? 1 : task.labels.length;
}

/** Answers from the hidden state of the first token. */
export interface SequenceHead {
  readonly kind: 'sequence';
  /** The module that gives the answer. */
  readonly path: string;
  readonly task: SequenceTask;
  /** Every tensor between the last block and the answer, by module. A module the checkpoint has no tensor of starts fresh. */
  readonly modules: ReadonlyMap<string, readonly HeadTensor[]>;
  /** `first` [texts, hidden] → [texts, labels]; one column for a number. */
  logits(first: Value, weights: WeightSource, linear: ApplyLinear): Value;
  /** Fields of config.json of a checkpoint that has this head. */
  readonly config: Readonly<Record<string, unknown>>;
}

export interface HeadTensor {
  readonly name: string;
  readonly shape: readonly number[];
  /** How it starts where the checkpoint does not have it. */
  readonly start: FreshStart;
}

export type FreshStart = { readonly kind: 'zeros' } | { readonly kind: 'normal'; readonly std: number };

/** What a family that attends in both directions needs beside token ids. */
export interface EncoderInputs<C> {
  /** Position of each token of rows of `length` tokens, as the model counts them. */
  positions(config: C, ids: Int32Array, length: number): Int32Array;
  /** How many kinds of tokens it tells apart; 1: none. */
  tokenTypes(config: C): number;
  /** The same model with a head for this task. */
  withTask(config: C, task: SequenceTask): C;
}

export interface ModelArchitecture<C extends CommonConfig = CommonConfig> {
  /** `model_type` of config.json. */
  readonly id: string;
  /** What PEFT adapts by default. */
  readonly defaultTargetModules: readonly string[];
  /** Throws with one problem per field that is missing, wrong or not supported. `has`: whether the checkpoint has a tensor. */
  parseConfig(json: Readonly<Record<string, unknown>>, file: string, has: (tensor: string) => boolean): ParsedConfig<C>;
  /** The name under which the family knows a tensor of a checkpoint, where older or headless checkpoints have another. */
  canonicalName?(stored: string): string;
  /** Tensors that checkpoints of the family may hold and that are not read: heads of pretraining. */
  readonly unread?: RegExp;
  /** Every tensor the checkpoint must hold, with its shape; of a sequence head those it may lack as well. */
  tensors(config: C): ReadonlyMap<string, readonly number[]>;
  /** Linear layers inside the blocks. */
  sites(config: C): readonly TargetSite[];
  /** The table of the tokens, where `hidden` looks tokens up through `linear`. */
  embedding?(config: C): { readonly path: string; readonly weight: string };
  head(config: C): HeadSpec;
  /** What `ModelInputs.keep` and `past` keep of a position in each layer; absent: the family has no graph for them. */
  kept?(config: C): KeptSpec;
  /** Present: attention in both directions, and an answer for a whole text; absent: a causal decoder. */
  readonly encoder?: EncoderInputs<C>;
  /** Hidden states after the last norm: [batch·length, hidden]. */
  hidden(config: C, inputs: ModelInputs, weights: WeightSource, linear: ApplyLinear): Value;
}
