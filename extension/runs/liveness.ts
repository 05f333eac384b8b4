/** @file Is a run alive? Its state file says what it was doing; its process says whether it still does. */
import { hostname } from 'node:os';
import type { RunState, RunStatus } from '../../kernels/protocol/types';

const LIVE: ReadonlySet<RunStatus> = new Set(['starting', 'running', 'stopping']);

/**
 * A process id may be reused, and of a process on another machine we see only the heartbeat. After this long without one
 * the run is shown as failed; should it come back (a laptop that slept), its next heartbeat corrects that.
 */
const SILENCE_SECONDS = 600;

export interface Machine {
  readonly host: string;
  /** Seconds since 1970. */
  now(): number;
  isAlive(pid: number): boolean;
}

export const thisMachine: Machine = {
  host: hostname(),
  now: () => Date.now() / 1000,
  isAlive(pid) {
    try {
      process.kill(pid, 0);
      return true;
    } catch (error) {
      // EPERM: it exists and belongs to someone else.
      return (error as NodeJS.ErrnoException).code === 'EPERM';
    }
  },
};

/** The status says that a process is at work. */
export function isLive(state: Pick<RunState, 'status'>): boolean {
  return LIVE.has(state.status);
}

/** The state as it is shown: a run whose process is gone while its status says running is failed. */
export function effectiveState(state: RunState, machine: Machine = thisMachine): RunState {
  if (!isLive(state)) return state;
  if (state.host === machine.host && !machine.isAlive(state.pid)) {
    return { ...state, status: 'failed', error: state.error ?? `Its process (${state.pid}) is gone. See log.txt.` };
  }
  const silence = machine.now() - state.heartbeat;
  if (silence <= SILENCE_SECONDS) return state;
  const minutes = Math.round(silence / 60);
  return {
    ...state,
    status: 'failed',
    error: state.error ?? `No sign of life from ${state.host} for ${minutes} minutes.`,
  };
}
