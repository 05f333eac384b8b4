/** @file What the editor may ask about runs. */

export interface RunCalls {
  /** Makes the run folder and starts the detached run process. Refused input is an error with problems. */
  'run/start'(p: { config: string }): { run: string };
  'run/resume'(p: { run: string }): { run: string };
  /** Asks the run to save a checkpoint and stop; returns when it has. */
  'run/stop'(p: { run: string }): { step: number };
}
