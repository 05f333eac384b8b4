/** @file Records of the run folder and the shapes that the engine, the editor and the pages share. Field names as on disk. */

/** `queued`: the run's process waits for an earlier run of this machine to end; everything else is as after `starting`. */
export type RunStatus = 'queued' | 'starting' | 'running' | 'stopping' | 'stopped' | 'finished' | 'failed';

/** `state.json`: replaced atomically; `heartbeat` and all times are seconds since 1970 (UTC). */
export interface RunState {
  readonly status: RunStatus;
  readonly pid: number;
  readonly host: string;
  /** Which boot and which start the process number belongs to, whatever clocks say; absent where the system does not tell. */
  readonly process_start?: string;
  readonly heartbeat: number;
  readonly step: number;
  readonly total_steps: number;
  /** Of all evaluations; step 0 is the one before training, for which there is no checkpoint. */
  readonly best?: { readonly step: number; readonly loss: number };
  readonly error?: string;
  /** While it starts: what is being prepared, and which share of it is done. English; pages translate it. */
  readonly doing?: { readonly what: string; readonly fraction?: number };
}

/** `run.json`: frozen when the run is made. */
export interface RunInfo {
  readonly version: 1;
  readonly name: string;
  readonly created: number;
  /** Absolute path of the configuration the run was started from. */
  readonly config_file: string;
  /** The configuration with every default filled in and every path absolute. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly versions: Readonly<Record<string, string>>;
  readonly device: { readonly provider: string; readonly threads: number; readonly reason: string };
  readonly digests: Readonly<Record<string, string>>;
  readonly parameters: { readonly base: number; readonly trainable: number };
  readonly total_steps: number;
  readonly steps_per_epoch: number;
}

export interface TrainRecord {
  readonly kind: 'train';
  readonly step: number;
  readonly time: number;
  readonly epoch: number;
  /** All tokens read so far, padding not counted. */
  readonly tokens: number;
  /** Loss and gradient norm of this step, before clipping, before its update. */
  readonly loss: number;
  readonly learning_rate: Readonly<Record<string, number>>;
  readonly grad_norm: number;
  readonly step_seconds: number;
  /** Resident memory of the run process, bytes. */
  readonly rss: number;
}
export interface EvalRecord {
  readonly kind: 'eval';
  readonly step: number;
  readonly time: number;
  readonly loss: number;
  /** Labels that were predicted: tokens that carry loss, or texts. */
  readonly tokens: number;
  /** Of a model that answers for whole texts. */
  readonly metrics?: EvaluationMetrics;
}

/** Names as in GLUE. `null`: not defined, as a correlation with a constant. */
export interface EvaluationMetrics {
  readonly accuracy?: number;
  /** Of the class with id 1 where there are two, else the mean over the classes (macro). */
  readonly f1?: number;
  readonly matthews_correlation?: number;
  readonly pearson?: number | null;
  readonly spearmanr?: number | null;
}
/** One line of `metrics.jsonl`. */
export type MetricRecord = TrainRecord | EvalRecord;

/**
 * One line of `restarts.jsonl`: after the update of `step` the adapter was merged into the base and begun anew (`relora:`).
 * What was done is measured and not repeated from the configuration, so that a restart that did nothing shows.
 */
export interface RestartRecord {
  readonly step: number;
  readonly time: number;
  /** The cycle that begins: 2 at the first restart. */
  readonly cycle: number;
  /** How the optimiser's state was to be treated, and the share of it that this should have set to zero. */
  readonly optimizer_reset: 'reset' | 'zero' | 'magnitude' | 'keep';
  readonly expected_share: number;
  /** Of both moments of the adapter's tensors, by optimiser group: the share of the entries other than 0 that are 0 now. */
  readonly reset_share: Readonly<Record<string, number>>;
  /** Whether the optimiser counts its steps from here again, so that its bias correction begins anew. */
  readonly counts_anew: boolean;
  /**
   * Numerical rank of what all merged cycles add to the base model, mean over the layers: before the restart, and with the
   * cycle that it merged. Absent where the spectrum of a layer is too costly during a run.
   */
  readonly rank?: { readonly before: number; readonly after: number };
  /** Learning rate by group: of the step before, of the first step after, and of the first that is warmed up again. */
  readonly learning_rate: {
    readonly before: Readonly<Record<string, number>>;
    readonly at: Readonly<Record<string, number>>;
    readonly after: Readonly<Record<string, number>>;
  };
  /** Where the method changes with the cycle (ReMoRA): the `mora_type` that ended and the one that begins. */
  readonly mora_type?: { readonly before: string; readonly after: string };
}
/** One line of `spectra.jsonl`: of one module; values descending; relative: above 1 % of the largest. */
export interface SpectrumRecord {
  readonly step: number;
  readonly module: string;
  /** Absent: of the delta weight. `direction`: of the low-rank update that turns its rows (DoRA's s·B·A), without their lengths. */
  readonly of?: 'direction';
  readonly singular_values: readonly number[];
  readonly stable_rank: number;
  readonly effective_rank: number;
  readonly 'above_0.1': number;
  readonly above_relative: number;
}

/** One line of `samples.jsonl`: what the model wrote after one of the configuration's fixed prompts. */
export interface SampleRecord {
  readonly step: number;
  readonly time: number;
  /** Place of the prompt in the configuration, from 0. */
  readonly index: number;
  readonly prompt: string;
  /** The new text, without the prompt. */
  readonly text: string;
  readonly tokens: number;
  /** True when the text was cut at the limit of new tokens rather than ended by the model. */
  readonly cut: boolean;
}

/** `green`: the rule is met. `red`: it is not, the method does not do what it says. `pending`: it cannot be known yet. */
export type ActivityVerdict = 'green' | 'red' | 'pending';

/** How a figure is written: `share` of 1 as per cent, `count` as a whole number. */
export type ActivityUnit = 'number' | 'share' | 'count';

/** One measured figure with the rule that it is held against. Texts are English; pages translate them. */
export interface ActivityFigure {
  readonly id: string;
  readonly label: string;
  readonly unit: ActivityUnit;
  /** Null while there is nothing to measure. */
  readonly value: number | null;
  readonly verdict: ActivityVerdict;
  /** The rule in words, with `{0}`, `{1}` … in the places of `rule_values`. */
  readonly rule: string;
  readonly rule_values: readonly (string | number)[];
  /** Module or tensor of the value, where it is the least or the most of many. */
  readonly where?: string;
}

/** One line of `activity.jsonl`: whether the method is really active, by figures measured at a step. */
export interface ActivityRecord {
  readonly step: number;
  /** Red if one of the figures is; green once all are. */
  readonly verdict: ActivityVerdict;
  readonly figures: readonly ActivityFigure[];
  /** Why a figure could not be judged, in English, with the values of its places `{0}` …; pages translate it. */
  readonly note?: string;
  readonly note_values?: readonly (string | number)[];
}

/** What the watchdog saw. */
export type WatchKind = 'non-finite' | 'loss-spike' | 'diverged' | 'no-gain' | 'stall' | 'disk-low' | 'inactive';

/** One line of `events.jsonl`. */
export interface RunEvent {
  readonly event:
    | 'queued'
    | 'started'
    | 'resumed'
    | 'checkpoint'
    | 'eval'
    | 'restart'
    | 'warning'
    | 'stopped'
    | 'finished'
    | 'failed';
  readonly time: number;
  readonly step: number;
  readonly reason?: string;
  /** Set on a warning or failure of the watchdog. */
  readonly watch?: WatchKind;
  /** What was done about it, as a sentence. */
  readonly action?: string;
  /** Of a restart: the cycle that begins. */
  readonly cycle?: number;
}

/** A checkpoint or adapter folder that was found on disk. */
export interface ModelEntry {
  readonly kind: 'checkpoint' | 'adapter';
  readonly path: string;
  readonly name: string;
  readonly source: 'workspace' | 'hub-cache' | 'run';
  /** `model_type` of a checkpoint, adapter method of an adapter. */
  readonly type: string;
  readonly sizeBytes: number;
  /** Why this folder cannot be trained or merged, when that is so. */
  readonly problem?: string;
}

export interface DeviceReport {
  readonly device: 'cpu' | 'webgpu' | 'cuda' | 'dml' | 'coreml';
  readonly usable: boolean;
  readonly reason: string;
}

/** How far the outputs of the layers are from the adapter's when merged in one way: ‖h_merged − h‖/‖h‖. */
export interface WayError {
  readonly way: string;
  /** Over the layers. */
  readonly mean: number;
  readonly largest: number;
  readonly layers: readonly { readonly module: string; readonly error: number }[];
}

/** Of a method that has no exact merge. */
export interface MergeErrors {
  /** The way this merge was done. */
  readonly chosen: string;
  readonly ways: readonly WayError[];
  readonly samples: number;
  readonly tokens: number;
  /** Files the samples are from; empty: the fixed prompts. */
  readonly files: readonly string[];
}

/** Proof of a merge: logits of merged model against base + adapter on fixed prompts. */
export interface MergeReport {
  readonly out: string;
  readonly changedTensors: number;
  readonly dtype: string;
  readonly maxAbsLogitDifference: number;
  readonly meanAbsLogitDifference: number;
  /** Largest absolute logit, the scale against which the differences are read. */
  readonly maxAbsLogit: number;
  /** Why the merged model is not the adapter's, where the method has no exact merge. */
  readonly approximation?: string;
  /** With it: what each way of merging costs. */
  readonly errors?: MergeErrors;
  readonly prompts: number;
  readonly positions: number;
  /** What makes the result doubtful, as sentences. */
  readonly warnings: readonly string[];
  readonly seconds: number;
}

/** What became of one module's delta weight in a conversion to plain LoRA. */
export interface ConvertedModule {
  readonly module: string;
  readonly shape: readonly [out: number, input: number];
  /** Kept singular values. */
  readonly rank: number;
  /** ‖ΔW‖_F */
  readonly norm: number;
  /** Share of ‖ΔW‖_F² that the kept singular values hold. */
  readonly energy: number;
  /** ‖ΔW − B·A‖_F / ‖ΔW‖_F with the factors as they were written. */
  readonly error: number;
  /** `factors`: the method's own, so that nothing is lost but what is cut off. */
  readonly how: 'factors' | 'exact' | 'randomised';
  readonly seconds: number;
}

/** A conversion to plain LoRA, with the logits of base + converted adapter against base + adapter on fixed prompts. */
export interface ConvertReport {
  readonly out: string;
  /** The method it was. */
  readonly method: string;
  /** The largest rank of all modules, `r` of the file. */
  readonly rank: number;
  /** Modules have ranks of their own, through `rank_pattern` and `alpha_pattern`. */
  readonly hasPatterns: boolean;
  readonly dtype: 'f32' | 'f16' | 'bf16';
  readonly modules: readonly ConvertedModule[];
  /** Tensors of the base model that were trained in full; they are in the result as they were. */
  readonly carried: readonly string[];
  readonly maxAbsLogitDifference: number;
  readonly meanAbsLogitDifference: number;
  readonly maxAbsLogit: number;
  /** Why the delta weight is not the adapter's own, where the method has no exact merge. */
  readonly approximation?: string;
  readonly prompts: number;
  readonly positions: number;
  readonly seconds: number;
}

/** What `unmerge` restored, against the original base when it is given. */
export interface UnmergeReport {
  readonly out: string;
  readonly changedTensors: number;
  /** Largest absolute difference to the base, when that is on disk. */
  readonly maxAbsWeightDifference?: number;
  readonly maxAbsWeight?: number;
  readonly comparedWith?: string;
  /** With them: equal to the bit, as near as rounding lets it come, or another model. */
  readonly verdict?: 'equal' | 'rounding' | 'different';
  /** Whether the record of the folder shows that the adapter was in these weights. */
  readonly isVerified: boolean;
  /** What makes the result doubtful, as sentences. */
  readonly warnings: readonly string[];
  readonly seconds: number;
}
