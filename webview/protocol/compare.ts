/** @file What the comparison of runs may ask of the editor, and what it hears. Lists are in the order of the runs. */
import type { RunInfo, RunState } from '../../kernels/protocol/types';
import type { RankMeasure, RankOf, Trace, XAxis } from './dashboard';

/** More curves than this in one plot are not told apart. */
export const MAX_COMPARED = 4;

export interface ComparedRun {
  readonly folder: string;
  readonly info: RunInfo | null;
  readonly state: RunState;
  readonly isGone: boolean;
  /** Loss of the last training step and of the last evaluation. */
  readonly lastLoss: number | null;
  readonly lastEvalLoss: number | null;
  /** Time in training steps, without evaluations and pauses. */
  readonly stepSeconds: number;
  /** Mean over all training steps. */
  readonly tokensPerSecond: number | null;
  /** Largest resident memory of the run's process, bytes. */
  readonly peakRss: number | null;
}

export interface ComparisonSnapshot {
  readonly runs: readonly ComparedRun[];
  /** Rises whenever anything of any run changed. */
  readonly revision: number;
  readonly spectraRevision: number;
}

/** Mean of a rank measure over all modules of one run that have spectra, at the steps with spectra. */
export interface RankMean {
  readonly of: RankOf;
  readonly steps: readonly number[];
  readonly values: readonly (number | null)[];
}

export interface ComparePage {
  calls: {
    'page/open'(p: object): ComparisonSnapshot;
    /** As `series/get` of the dashboard, for each run. */
    'series/get'(p: {
      x: XAxis;
      range?: readonly [number, number];
      buckets: number;
      smoothing: number;
    }): readonly (readonly Trace[])[];
    'rank/means'(p: { measure: RankMeasure }): readonly RankMean[];
    'run/open'(p: { folder: string }): void;
    'save/png'(p: { name: string; dataUrl: string }): void;
  };
  /** At most four a second. */
  events: { 'runs/changed': ComparisonSnapshot };
}
