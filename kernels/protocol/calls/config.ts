/** @file What the editor may ask about a configuration that is being written. Places are offsets in UTF-16 units. */
import type { Problem } from '../errors';
import type { ModelEntry } from '../types';

/** What a valid configuration will do; shown over the document and in the form. */
export interface ConfigSummary {
  readonly trainableParameters: number;
  readonly baseParameters: number;
  readonly adaptedModules: number;
  /** Linear layers of the model that could be adapted. */
  readonly linearModules: number;
  readonly method: string;
  readonly modelType: string;
}

/** What a check of a configuration found. */
export interface CheckedConfig {
  readonly problems: readonly Problem[];
  /** Of a configuration without errors in the adapter. */
  readonly summary?: ConfigSummary;
  /** What the base model is for, where one is named that can be read: fields may be for one kind alone. */
  readonly modelKind?: 'text' | 'labels';
}

/** From `start` up to `end`. */
export interface TextSpan {
  readonly start: number;
  readonly end: number;
}

export interface Completion {
  readonly kind: 'key' | 'section' | 'value' | 'module' | 'file' | 'folder' | 'model' | 'adapter';
  readonly label: string;
  /** Replaces the span. Lines after the first are indented like the first by whoever inserts it. */
  readonly insert: string;
  /** One short line beside the label. */
  readonly detail?: string;
  /** What a value means. */
  readonly meaning?: string;
  /** The field of a key. */
  readonly key?: KeyFacts;
  /** There is something to choose right behind what is inserted. */
  readonly hasMore?: boolean;
}

export interface Completions {
  readonly span: TextSpan;
  /** In the order in which they should be offered. */
  readonly items: readonly Completion[];
}

/** A key of the configuration as its field describes it. */
export interface KeyFacts {
  readonly path: string;
  readonly title: string;
  readonly help: string;
  /** `an integer from 1 to 4096`. */
  readonly expected?: string;
  readonly unit?: string;
  /** In YAML. */
  readonly default?: string;
  readonly presence: 'required' | 'optional' | 'default';
}

/** What a name or pattern matches among the linear layers of the base model. */
export interface MatchFacts {
  readonly pattern: string;
  readonly matched: number;
  readonly total: number;
  /** The first few. */
  readonly examples: readonly string[];
}

/** The update ΔW of one module in an adapter. */
export interface UpdateFacts {
  readonly module: string;
  readonly norm: number;
  readonly stableRank: number;
  readonly effectiveRank: number;
  /** Descending. */
  readonly singularValues: readonly number[];
}

/** One linear layer, or all layers of one name. */
export interface ModuleFacts {
  readonly name: string;
  /** How many layers it names. */
  readonly modules: number;
  /** [out, in] of W, when all have the same. */
  readonly shape?: readonly [out: number, input: number];
  readonly rank?: number;
  /** Trained parameters of these layers, and their share of all trained ones, 0 to 1. Absent where nothing is trained. */
  readonly parameters?: number;
  readonly share?: number;
  /** The adapter that this configuration made last, or starts from; `step` for a checkpoint. */
  readonly adapter?: { readonly path: string; readonly step?: number };
  /** In the order of the blocks; at most a few dozen. */
  readonly updates: readonly UpdateFacts[];
  /** Why there is an adapter and no update to show. */
  readonly noUpdate?: string;
}

/** What is known about the place under the pointer. Everything that does not apply is absent. */
export interface ConfigHover {
  readonly span: TextSpan;
  readonly key?: KeyFacts;
  /** What the value means. */
  readonly meaning?: string;
  readonly matches?: MatchFacts;
  readonly module?: ModuleFacts;
}

/** Behind the last character of a value; both count from 1. */
export interface HintPlace {
  readonly line: number;
  readonly column: number;
}

/** A figure, the key it is about, and where it stands in the text; no place when nothing is written that it could stand beside. */
export type ConfigHint = { readonly key: string; readonly at?: HintPlace } & (
  | { readonly kind: 'parameters'; readonly trainable: number; readonly base: number }
  | { readonly kind: 'modules'; readonly matched: number; readonly total: number }
  | { readonly kind: 'samples'; readonly samples: number; readonly evaluation: number }
  | { readonly kind: 'batch'; readonly samples: number }
  /** Where the memory of the run belongs; `config/estimate` knows it, and takes longer. */
  | { readonly kind: 'memory' }
  | { readonly kind: 'steps'; readonly perEpoch: number; readonly total: number; readonly epochs: number }
);

/** What a new configuration should say so that it trains as it is. */
export interface NewConfigAdvice {
  readonly format: string;
  /** Names of the classes that the samples have, in the order of their ids. */
  readonly labels?: readonly string[];
  readonly samples: number;
  /** False: only the first samples were read, there are more. */
  readonly isComplete: boolean;
  /** Tokens of the longest sample that was read, and the most that the model can take. */
  readonly longest: number;
  readonly modelLength: number;
  readonly maxLength: number;
  /** Share for evaluation; absent where there are too few samples. */
  readonly evalFraction?: number;
  readonly batchSize: number;
  /** What is lost or odd: samples that are cut or carry no loss. */
  readonly warnings: readonly Problem[];
}

export interface ConfigCalls {
  /** Validates a configuration; `text` is the unsaved text of an editor, read in place of the file. */
  'config/check'(p: { path: string; text?: string }): CheckedConfig;
  /** The JSON Schema of `*.adapter.yaml`, with titles, help, defaults and limits. */
  'config/schema'(p: object): { schema: Readonly<Record<string, unknown>> };
  /** What can be written at `offset`. `models`: what the editor knows to be on disk, offered for paths. */
  'config/complete'(p: { path: string; text: string; offset: number; models: readonly ModelEntry[] }): Completions;
  'config/hover'(p: { path: string; text: string; offset: number }): { hover?: ConfigHover };
  'config/hints'(p: { path: string; text: string }): { hints: readonly ConfigHint[] };
  /** Looks into model and data and says what fits both. Refuses a pair that cannot be trained. */
  'config/advise'(p: { model: string; data: readonly string[] }): NewConfigAdvice;
}
