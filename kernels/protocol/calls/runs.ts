/** @file What the editor may ask about runs. */

/** `queue`: the run waits until every earlier live run of this user on this machine has ended; `beside`: it runs at once. */
export type RunMode = 'queue' | 'beside';

/** A run of this user on this machine whose process lives. */
export interface LiveRun {
  /** Its folder. */
  readonly run: string;
  readonly name: string;
  readonly pid: number;
  /** Whether it waits in the queue. */
  readonly isWaiting: boolean;
  /** When it came, in seconds since 1970. */
  readonly since: number;
}

export interface RunCalls {
  /**
   * Makes the run folder and starts the detached run process. Refused input is an error with problems. Returns when the run
   * trains, or waits in the queue; default: beside.
   */
  'run/start'(p: { config: string; mode?: RunMode }): { run: string };
  'run/resume'(p: { run: string; mode?: RunMode }): { run: string };
  /** Asks the run to save a checkpoint and stop, or to leave the queue; returns when it has. */
  'run/stop'(p: { run: string }): { step: number };
  /** Live runs in the order in which they came, those that wait among them. */
  'run/live'(p: object): { runs: readonly LiveRun[] };
}
