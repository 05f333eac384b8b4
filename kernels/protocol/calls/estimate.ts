/** @file What the editor may ask about a run before it runs: memory, data, device, and time once a few steps were measured. */

/** Bytes by what they are for. `weights` lie in the checkpoint's files, mapped, and can be dropped and read again. */
export interface MemoryParts {
  readonly weights: number;
  /** The same pages once more for each further graph that is kept compiled: counted by system tools, no memory of its own. */
  readonly mappings: number;
  /** Of a run with restarts with the adapters that were merged. */
  readonly adapter: number;
  /** The adapter as it started, which its changes are measured against. */
  readonly activity: number;
  readonly optimiser: number;
  readonly gradients: number;
  /** Results of the forward pass kept for the backward pass. */
  readonly activations: number;
  /** Everything else that a graph holds at its peak: logits, gradients on their way, widened weights. */
  readonly workspace: number;
  /** Compiled graphs: nodes, constants, what making them left behind. */
  readonly graphs: number;
  /** The engine itself, the tokenizer, the table of samples. */
  readonly runtime: number;
}

export interface MemoryEstimate {
  readonly parts: MemoryParts;
  /** What system tools will show as resident at the peak: the sum of all parts. */
  readonly peakBytes: number;
  /** What must really be there: without pages that are counted twice. */
  readonly neededBytes: number;
  /** Of that, pages of weight files, which the system may drop and read again at the price of time. */
  readonly droppableBytes: number;
  /** On a GPU: weights, activations and workspace, which then are in none of the other figures. */
  readonly deviceBytes?: number;
}

export interface MachineMemory {
  readonly totalBytes: number;
  /** What can be taken without pushing others out. */
  readonly freeBytes: number;
  /** A limit of this process group below that of the machine. */
  readonly limitBytes?: number;
}

/** A setting that would make it fit; the peak is that of the changed configuration. */
export interface EstimateAdvice {
  readonly key: 'training.per_device_train_batch_size' | 'data.max_length';
  readonly from: number;
  readonly to: number;
  readonly neededBytes: number;
}

export type Verdict =
  /** Everything has room. */
  | 'fits'
  /** Only if the system drops weights and reads them again from the disk. */
  | 'tight'
  | 'exceeds';

/** Batches of one shape: a graph of its own. */
export interface ShapeUse {
  readonly kind: 'train' | 'evaluation';
  readonly batch: number;
  /** Tokens of each row, padding included. */
  readonly length: number;
  /** Positions that go through the head. */
  readonly rows: number;
  /** How often the run computes it. */
  readonly batches: number;
}

export interface DataEstimate {
  readonly format: string;
  /** What carries loss: tokens of the samples, or one label for each. */
  readonly learnt: 'tokens' | 'labels';
  readonly samples: number;
  readonly evaluationSamples: number;
  /** Samples left out, by reason. */
  readonly skipped: Readonly<Record<string, number>>;
  /** Samples cut at max_length. */
  readonly cut: number;
  readonly longest: { readonly tokens: number; readonly file: string; readonly line: number };
  /** Per optimiser step, padding not counted. */
  readonly tokensPerStep: { readonly mean: number; readonly max: number };
  /** Share of what is computed that is padding, 0 to 1. */
  readonly padding: number;
  /** Tokens that carry loss, or labels of whole texts, per optimiser step. */
  readonly supervisedPerStep: number;
  readonly stepsPerEpoch: number;
  readonly totalSteps: number;
  readonly epochs: number;
  readonly evaluations: number;
  /** In the order of their share of the work. */
  readonly shapes: readonly ShapeUse[];
  /** Compilations of graphs over the run: more than there are shapes when not all can be kept. */
  readonly compilations: number;
  /** Optimiser steps the numbers above were counted over; fewer than `totalSteps` for very long runs. */
  readonly countedSteps: number;
}

/** What the run writes; everything but checkpoints and adapters is small. */
export interface DiskEstimate {
  /** Folder in which run folders are made. */
  readonly folder: string;
  /** Of the largest one. */
  readonly checkpointBytes: number;
  /** The most that are kept beside one another. */
  readonly checkpoints: number;
  /** At the most: checkpoints, the one that is being written, the final adapter, merged weights of restarts. */
  readonly bytes: number;
  /** On the disk of the folder; absent where the system does not tell. */
  readonly freeBytes?: number;
  /** True where the free space is not known. */
  readonly fits: boolean;
}

export interface MeasuredShape extends ShapeUse {
  /** Seconds of one batch, once compiled. */
  readonly seconds: number;
  readonly compileSeconds: number;
}

export interface EstimateMeasurement {
  readonly shapes: readonly MeasuredShape[];
  readonly secondsPerStep: number;
  readonly tokensPerSecond: number;
  /** Peak of the measuring process; absent where the system does not tell. */
  readonly peakBytes?: number;
  /** Of the whole run, by what it is spent on. */
  readonly eta: {
    readonly seconds: number;
    readonly training: number;
    readonly evaluation: number;
    /** Of the fixed prompts, at every evaluation. */
    readonly samples: number;
    readonly compiling: number;
    readonly checkpoints: number;
  };
}

/** What an estimate cannot say, by name; the texts are the pages' and the command line's own. */
export type EstimateGap =
  /** How much memory the GPU has free, and what its driver adds: neither is told to us. */
  | 'gpu-memory'
  /** Seconds: no step was measured. */
  | 'time'
  /** The fixed part of the memory was measured on Linux; other systems differ. */
  | 'system'
  /** When early stopping will end the run. */
  | 'early-stopping'
  /** Counts are from the first steps of a very long run. */
  | 'counted-steps';

export interface EstimateReport {
  readonly config: string;
  readonly device: { readonly device: string; readonly threads: number; readonly reason: string };
  readonly parameters: { readonly base: number; readonly trainable: number };
  readonly memory: MemoryEstimate;
  readonly machine: MachineMemory;
  readonly verdict: Verdict;
  readonly advice: readonly EstimateAdvice[];
  readonly data: DataEstimate;
  readonly disk: DiskEstimate;
  readonly unknown: readonly EstimateGap[];
  readonly warnings: readonly string[];
  readonly measurement?: EstimateMeasurement;
}

/** The fast answer for a hint beside the configuration. */
export interface QuickEstimate {
  readonly peakBytes: number;
  readonly neededBytes: number;
  /** `tokens`: from the tokenised data. `max_length`: the batch is taken to be full, an upper bound. */
  readonly basis: 'tokens' | 'max_length';
  readonly tokensPerBatch: number;
}

export interface EstimateCalls {
  /** Reads model and data as a run would; refused input is an error with problems. Reports progress. */
  'estimate/run'(p: { config: string }): EstimateReport;
  /** The same, and a few real steps in a process of its own, with their time. Reports progress. */
  'estimate/measure'(p: { config: string }): EstimateReport;
  /** Without tokenising and without the device: for a hint. Refused configurations are an error with problems. */
  'config/estimate'(p: { path: string; text?: string }): QuickEstimate;
}
