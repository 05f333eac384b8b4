/** @file What the run dashboard may ask of the editor, and what it hears. The host holds all series and decimates; the page pulls. */
import type { ActivityRecord, RunEvent, RunInfo, RunState, SampleRecord } from '../../kernels/protocol/types';

/** `time`: seconds since the run was created (`RunInfo.created`), so that restarts show as gaps; the others as in the records. */
export type XAxis = 'step' | 'tokens' | 'time' | 'epoch';
/** Bytes for `rss`, tokens per second of training time for `tokens_per_second`, the records' own values for the others. */
export type SeriesName =
  'loss' | 'eval_loss' | 'eval_metric' | 'learning_rate' | 'grad_norm' | 'tokens_per_second' | 'rss';

/** One curve. When decimated, `y` holds the minimum and maximum of each bucket in order of x, so that no spike is lost. */
export interface Trace {
  readonly series: SeriesName;
  /** Parameter group for learning rates, name of the metric (`EvaluationMetrics`) for those of evaluations, otherwise empty. */
  readonly group: string;
  readonly x: Float64Array | readonly number[];
  readonly y: Float64Array | readonly number[];
  /** Exponential moving average computed on all points before decimation; absent when smoothing is 0. */
  readonly smoothed?: Float64Array | readonly number[];
  readonly isDecimated: boolean;
}

export type RankMeasure = 'stable_rank' | 'effective_rank' | 'above_0.1' | 'above_relative';

/** Of which matrix of a module: its delta weight, or the low-rank update that turns its rows (`SpectrumRecord.of`). */
export type RankOf = 'delta' | 'direction';

/** Rank measures of modules over training. `values[m][s]` belongs to `modules[m]` at `steps[s]`. */
export interface RankTable {
  readonly of: RankOf;
  readonly steps: readonly number[];
  readonly modules: readonly { readonly name: string; readonly layer: number | null; readonly projection: string }[];
  readonly measures: Readonly<Record<RankMeasure, readonly (readonly (number | null)[])[]>>;
}

/** Whether the method of a run is really active: the latest figures, and each figure over the recorded steps. */
export interface ActivityReport {
  /** Null: the run has recorded none (yet). */
  readonly latest: ActivityRecord | null;
  readonly steps: readonly number[];
  /** By figure: its value at each of `steps`, null where it had none. */
  readonly values: Readonly<Record<string, readonly (number | null)[]>>;
  /** Steps at which a figure was red, by figure; figures that never were are absent. */
  readonly redSteps: Readonly<Record<string, readonly number[]>>;
}

export interface DashboardSnapshot {
  /**
   * Folder of the run. The page keeps it in its saved state under the key `run`: after a reload of the window the editor
   * restores the panel from that.
   */
  readonly run: string;
  readonly info: RunInfo | null;
  readonly state: RunState;
  /** The last ones; a long run has thousands of evaluations, and its folder has them all. */
  readonly events: readonly RunEvent[];
  readonly eventCount: number;
  /** Of all events, those with a warning or a failure. */
  readonly warningCount: number;
  /** Of all events, those that are marked on the plots: resumes, restarts of the adapter and what the watchdog saw, the last 200. */
  readonly marks: readonly RunEvent[];
  /** Rises whenever anything of the run changed; pull again when it differs from what is shown. */
  readonly revision: number;
  readonly spectraRevision: number;
  readonly activityRevision: number;
  readonly samplesRevision: number;
  /** The folder is not there any more; what is shown was read before. */
  readonly isGone: boolean;
  /** Set while the run is queued: its place among the queued runs that the editor knows, and the run at work it waits for. */
  readonly queue?: { readonly place: number; readonly behind: string | null };
  readonly etaSeconds: number | null;
  readonly tokensPerSecond: number | null;
  /** Resident memory of the run process at its last record, bytes. */
  readonly rss?: number | null;
  readonly can: {
    readonly stop: boolean;
    readonly resume: boolean;
    readonly merge: boolean;
    readonly tryIt: boolean;
    readonly inspect: boolean;
  };
}

/** What the page may have done about the run; the host does it with its commands. */
export const RUN_COMMANDS = [
  'stop',
  'resume',
  'merge',
  'tryIt',
  'inspect',
  'openConfiguration',
  'trainAgain',
  'openFolder',
  'openLog',
] as const;
export type RunCommand = (typeof RUN_COMMANDS)[number];

/** Which samples there are: at these steps (ascending), after these prompts (in the order of the configuration). */
export interface SampleList {
  readonly steps: readonly number[];
  readonly prompts: readonly { readonly index: number; readonly prompt: string }[];
}

export interface DashboardPage {
  calls: {
    /** The first call of a page, made once: what an earlier page in the same place still waited for is forgotten. */
    'page/open'(p: object): DashboardSnapshot;
    /**
     * All curves of the run, each with about `buckets` buckets over `range` (in units of `x`), or over everything without it.
     * With a range, one point on each side of it is included, so that lines reach the edge. `smoothing` is 0 to 0.99.
     */
    'series/get'(p: {
      x: XAxis;
      range?: readonly [number, number];
      buckets: number;
      smoothing: number;
    }): readonly Trace[];
    /** One for each kind of matrix that the run has spectra of; the first is what is shown unless another is chosen. */
    'rank/tables'(p: object): readonly RankTable[];
    /** Singular values of one module's matrix: `values[s]` descending, at `steps[s]`. */
    'rank/spectrum'(p: { module: string; of: RankOf }): {
      steps: readonly number[];
      values: readonly (readonly number[])[];
    };
    'activity/get'(p: object): ActivityReport;
    'samples/list'(p: object): SampleList;
    /** The samples of these steps. */
    'samples/at'(p: { steps: readonly number[] }): readonly SampleRecord[];
    'run/command'(p: { command: RunCommand }): void;
    /** The host asks where to save; the file holds every point, not the decimated ones. */
    'save/csv'(p: { what: 'metrics' | 'spectra' }): void;
    'save/png'(p: { name: string; dataUrl: string }): void;
  };
  /** At most four a second. */
  events: { 'run/changed': DashboardSnapshot };
}
