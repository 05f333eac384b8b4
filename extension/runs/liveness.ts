/** @file Is a run alive? Its state file says what it was doing; its process says whether it still does. */
import { readFileSync } from 'node:fs';
import { hostname, uptime } from 'node:os';
import type { RunState, RunStatus } from '../../kernels/protocol/types';

const LIVE: ReadonlySet<RunStatus> = new Set(['queued', 'starting', 'running', 'stopping']);

/**
 * Of a process on another machine we see only the heartbeat. After this long without one the run is shown as failed; should
 * it come back (a laptop that slept), its next heartbeat corrects that.
 */
const SILENCE_SECONDS = 600;
/** Start times are rounded, and clocks are set. */
const TOLERANCE_SECONDS = 5;
/** Clock ticks a second in /proc: 100 on every Linux that the editor runs on. */
const TICKS_PER_SECOND = 100;

export interface Machine {
  readonly host: string;
  /** Seconds since 1970. */
  now(): number;
  /** The process that was seen at `heartbeat` (seconds since 1970) is still there; its number alone does not say so. */
  isAlive(pid: number, heartbeat: number): boolean;
}

export const thisMachine: Machine = {
  host: hostname(),
  now: () => Date.now() / 1000,
  isAlive(pid, heartbeat) {
    const bootedAt = Date.now() / 1000 - uptime();
    if (heartbeat < bootedAt || !exists(pid)) return false;
    const process = readProcess(pid);
    // A zombie has ended, and a process that began after the heartbeat is another one with the same number.
    return (
      !process || (!'ZX'.includes(process.state) && bootedAt + process.startedAfterBoot < heartbeat + TOLERANCE_SECONDS)
    );
  },
};

/** The status says that a process is at work. */
export function isLive(state: Pick<RunState, 'status'>): boolean {
  return LIVE.has(state.status);
}

/** The state as it is shown: a run whose process is gone while its status says running is failed. */
export function effectiveState(state: RunState, machine: Machine = thisMachine): RunState {
  if (!isLive(state)) return state;
  if (state.host === machine.host && !machine.isAlive(state.pid, state.heartbeat)) {
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

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it exists and belongs to someone else.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** State letter and start of a process in seconds; null where the system does not tell (not Linux, or not ours to read). */
function readProcess(pid: number): { readonly state: string; readonly startedAfterBoot: number } | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name, in parentheses, may hold anything; the state is field 3, the start time field 22.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] ?? '', startedAfterBoot: Number(fields[19]) / TICKS_PER_SECOND };
  } catch {
    return null;
  }
}
