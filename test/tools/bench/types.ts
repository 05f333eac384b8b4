/** @file What a benchmark is given and what it answers. */
import type { Peers } from '../shared/peers';

export interface BenchContext {
  /** Kept between calls: checkpoints. */
  readonly cache: string;
  /** Removed at the end. */
  readonly work: string;
  /** Null when only our own side is measured. */
  readonly peers: Peers | null;
  /** How often each program runs. */
  readonly turns: number;
  /** A selection of workloads, or undefined for the benchmark's own choice. */
  readonly cases: readonly string[] | undefined;
  /** A real checkpoint to measure beside the random ones. */
  readonly checkpoint?: string;
}

export interface Verdict {
  readonly name: string;
  readonly measured: string;
  readonly limit: string;
  readonly isPassed: boolean;
}

export interface BenchReport {
  /** A table, its head first. */
  readonly rows: readonly (readonly string[])[];
  readonly verdicts: readonly Verdict[];
  readonly notes: readonly string[];
  /** Everything measured, for --json. */
  readonly data: unknown;
}
