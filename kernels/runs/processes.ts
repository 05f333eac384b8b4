/**
 * @file Whether the process of a run is still there. Its number alone does not say so: it may be a zombie's, or used again.
 * Clocks are not asked where the system counts the starts of processes, because a clock may be set while a run goes on.
 */
import { readFileSync } from 'node:fs';
import { hostname, uptime } from 'node:os';

/** A process that can be told from every other one, also from a later one with its number. */
export interface ProcessIdentity {
  readonly host: string;
  readonly pid: number;
  /** As in `state.json`. */
  readonly process_start?: string;
}

/** Kernel clock ticks a second in /proc: 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;
/** Start times are rounded, and clocks are set. */
const TOLERANCE_SECONDS = 5;

/** This process. */
export function thisProcess(): ProcessIdentity {
  ownStart ??= { value: processStart(process.pid) };
  return {
    host: hostname(),
    pid: process.pid,
    ...(ownStart.value !== undefined && { process_start: ownStart.value }),
  };
}
let ownStart: { readonly value: string | undefined } | undefined;

/**
 * Whether the process `pid` of this machine is the one that was meant. Told by `start` where it is known; else by
 * `heartbeat`, when the process was seen alive, in seconds since 1970.
 */
export function isAlive(pid: number, heartbeat: number, start?: string): boolean {
  if (start !== undefined && process.platform === 'linux') return exists(pid) && processStart(pid) === start;
  const bootedAt = Date.now() / 1000 - uptime();
  if (heartbeat < bootedAt || !exists(pid)) return false;
  const stat = readStat(pid);
  if (!stat) return true;
  return hasNotEnded(stat) && bootedAt + stat.startTicks / TICKS_PER_SECOND < heartbeat + TOLERANCE_SECONDS;
}

/** `<boot>:<start>` of a process that has not ended; undefined where the system does not tell. */
function processStart(pid: number): string | undefined {
  const stat = readStat(pid);
  return stat && hasNotEnded(stat) ? `${bootId()}:${stat.startTicks}` : undefined;
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

interface ProcessStat {
  readonly state: string;
  /** Since the machine was started, in ticks of the kernel's own clock. */
  readonly startTicks: number;
}

/** A process that nobody waits for stays as a zombie: in containers whose first process does not collect them. */
const hasNotEnded = ({ state }: ProcessStat): boolean => state !== 'Z' && state !== 'X';

function readStat(pid: number): ProcessStat | null {
  if (process.platform !== 'linux') return null;
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return null; // gone, or not ours to read
  }
  // The name, in parentheses, may hold anything; state is field 3, the start time field 22.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0] ?? '', startTicks: Number(fields[19]) };
}

function bootId(): string {
  if (boot !== undefined) return boot;
  try {
    boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    boot = ''; // kept from us, and from every other process here: the start alone has to do
  }
  return boot;
}
let boot: string | undefined;
