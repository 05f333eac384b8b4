/** @file What the editor may ask about adapters, weight files and checkpoints that lie on disk. Field names as in the files. */
import type { Problem } from '../errors';

export interface TensorEntry {
  /** As in the file. */
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly bytes: number;
  /** File name relative to the folder; of a checkpoint only. */
  readonly file?: string;
}

/** What a tensor of a file is for: only what is trained counts as a parameter; a copy holds the values of another once more. */
export type TensorRole = 'trained' | 'frozen' | 'measured' | 'copy';

/** One adapted module: the tensors that belong together. */
export interface AdapterModuleEntry {
  readonly module: string;
  /** Index of its transformer block; `null` when its path has none. */
  readonly layer: number | null;
  /** Of its weight: from the tensors, else from the base model; `null` when neither tells it. */
  readonly shape: readonly [out: number, input: number] | null;
  /** Trained ones: no copies, no frozen matrices, no measured numbers. */
  readonly parameters: number;
  /** By the name of the parameter: `lora_A`, `lora_B`, … */
  readonly tensors: Readonly<Record<string, TensorEntry & { readonly role: TensorRole }>>;
}

/**
 * Whether the values of the delta weight can be had here. `base-missing`: it depends on shapes or values of the base model,
 * which is not on disk; `shared-missing`: the file lacks the matrices that all layers share.
 */
export type DeltaAvailability = 'available' | 'base-missing' | 'shared-missing';

/** An adapter folder, its factors paired. */
export interface AdapterContents {
  readonly kind: 'adapter';
  /** The folder. */
  readonly path: string;
  readonly base: string | null;
  /** The folder of the base model, when it is on disk. */
  readonly baseFolder: string | null;
  readonly method: { readonly id: string; readonly label: string };
  /** The method's own fields, defaults filled in. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly parameters: number;
  readonly bytes: number;
  readonly modules: readonly AdapterModuleEntry[];
  /** Tensors that belong to no adapted module: parts of the base model that were trained in full, and shared ones. */
  readonly saved: readonly TensorEntry[];
  readonly delta: DeltaAvailability;
  readonly warnings: readonly Problem[];
}

/** A safetensors file, or a checkpoint folder. */
export interface TensorContents {
  readonly kind: 'safetensors' | 'checkpoint';
  readonly path: string;
  /** `model_type` of a checkpoint. */
  readonly model_type?: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly parameters: number;
  readonly bytes: number;
  readonly tensors: readonly TensorEntry[];
  /** Warnings; and, of the weights of an adapter, what keeps them from being shown as one. */
  readonly problems: readonly Problem[];
}

export type InspectedContents = AdapterContents | TensorContents;

/** Summary of the delta weight ΔW [out, in] of a module. */
export interface DeltaMeasures {
  readonly shape: readonly [out: number, input: number];
  readonly rank: number;
  readonly scaling: number;
  /** Frobenius norm. */
  readonly norm: number;
  readonly stable_rank: number;
  readonly effective_rank: number;
  readonly 'above_0.1': number;
  readonly above_relative: number;
  /** σ₁, the spectral norm. */
  readonly largest: number;
}

export interface ModuleMeasures {
  readonly module: string;
  /** Frobenius norms of its tensors, by parameter; `null` where a value is not finite. */
  readonly norms: Readonly<Record<string, number | null>>;
  /** `null`: it cannot be had from what is on disk, is too large to be decomposed whole, or a value is not finite. */
  readonly delta: DeltaMeasures | null;
}

export interface ModuleSpectrum extends ModuleMeasures {
  /** Of the delta weight, descending; empty where there is none. */
  readonly singular_values: readonly number[];
}

/** How the values under one cell become one: `extreme` is the one of the largest magnitude, with its sign. */
export type Pool = 'mean' | 'max' | 'min' | 'extreme';

/** What a heat map shows: a tensor by its name in the file, or the delta weight of a module. */
export type TileOf = { readonly tensor: string } | { readonly delta: string };

export interface TileRequest {
  readonly of: TileOf;
  /** Half-open ranges of the matrix. A tensor of more than two dimensions is seen as [all but the last, last]. */
  readonly rows: readonly [from: number, to: number];
  readonly cols: readonly [from: number, to: number];
  /** At most so many cells; fewer values than cells give a cell for each value. */
  readonly height: number;
  readonly width: number;
  readonly pool: Pool;
}

/** A part of a matrix, pooled down to `height` × `width` cells. */
export interface Tile {
  /** Of the whole matrix. */
  readonly shape: readonly [rows: number, cols: number];
  readonly rows: readonly [from: number, to: number];
  readonly cols: readonly [from: number, to: number];
  readonly height: number;
  readonly width: number;
  /** Row by row. Cell i of n over m values covers those from ⌊i·m/n⌋ on. NaN where a value under a pooled cell is not finite. */
  readonly values: Float64Array;
}

/** Of the finite values; without one, the numbers are null. */
export interface TensorFacts {
  readonly count: number;
  readonly min: number | null;
  readonly max: number | null;
  readonly mean: number | null;
  readonly std: number | null;
  /** Frobenius norm. */
  readonly norm: number | null;
  readonly zeros: number;
  readonly nan: number;
  readonly infinite: number;
  /** Finite values by size: `counts[i]` of them from low + i·w on, w = (high − low)/counts.length. */
  readonly histogram: { readonly low: number; readonly high: number; readonly counts: readonly number[] } | null;
}

/**
 * `path` is an adapter folder, a checkpoint folder, the index file of a checkpoint, or a safetensors file; the weights of an
 * adapter folder are shown as that adapter. Refused input is an error with problems.
 */
export interface InspectCalls {
  /** Reads headers only. */
  'inspect/open'(p: { path: string }): InspectedContents;
  /** Norms and measures of all modules of an adapter. Reports progress. */
  'inspect/modules'(p: { path: string }): { modules: readonly ModuleMeasures[] };
  'inspect/module'(p: { path: string; module: string }): ModuleSpectrum;
  /** Reports progress: pooling a large matrix reads all of it. */
  'inspect/tile'(p: { path: string } & TileRequest): Tile;
  /** Reads the tensor twice, in ranges. Reports progress. */
  'inspect/statistics'(p: { path: string; tensor: string; bins: number }): TensorFacts;
  /** Reads everything completely, as the command `check` does; what is wrong is the answer, not an error. Reports progress. */
  'inspect/check'(p: { path: string }): { problems: readonly Problem[] };
}
