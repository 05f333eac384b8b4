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
  /**
   * The process that was seen at `heartbeat` (seconds since 1970) is still there; its number alone does not say so. `start`,
   * as the run wrote it, says so whatever clocks do.
   */
  isAlive(pid: number, heartbeat: number, start?: string): boolean;
}

export const thisMachine: Machine = {
  host: hostname(),
  now: () => Date.now() / 1000,
  isAlive(pid, heartbeat, start) {
    if (start !== undefined && process.platform === 'linux') return exists(pid) && startOf(pid) === start;
    const bootedAt = Date.now() / 1000 - uptime();
    if (heartbeat < bootedAt || !exists(pid)) return false;
    const found = readProcess(pid);
    // A zombie has ended, and a process that began after the heartbeat is another one with the same number.
    return (
      !found || (hasNotEnded(found) && bootedAt + found.startTicks / TICKS_PER_SECOND < heartbeat + TOLERANCE_SECONDS)
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
  if (state.host === machine.host) {
    // A step may take longer than any silence, and the clock may have been set: the process itself says more.
    if (machine.isAlive(state.pid, state.heartbeat, state.process_start)) return state;
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

interface ProcessStat {
  readonly state: string;
  /** Since the machine was started, in ticks of the kernel's own clock. */
  readonly startTicks: number;
}

const hasNotEnded = ({ state }: ProcessStat): boolean => !'ZX'.includes(state);

/** `<boot>:<start>` of a process that has not ended, in the form in which a run writes its own. */
function startOf(pid: number): string | undefined {
  const found = readProcess(pid);
  return found && hasNotEnded(found) ? `${bootId()}:${found.startTicks}` : undefined;
}

function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return ''; // kept from us, and from the run
  }
}

/** State letter and start of a process; null where the system does not tell (not Linux, or not ours to read). */
function readProcess(pid: number): ProcessStat | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name, in parentheses, may hold anything; the state is field 3, the start time field 22.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] ?? '', startTicks: Number(fields[19]) };
  } catch {
    return null;
  }
}
