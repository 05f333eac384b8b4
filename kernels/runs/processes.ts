/** @file Whether the process of a run is still there. Its number alone does not say so: it may be a zombie's, or used again. */
import { readFileSync } from 'node:fs';
import { uptime } from 'node:os';

/** Kernel clock ticks a second in /proc: 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;
/** Start times are rounded, and clocks are set. */
const TOLERANCE_SECONDS = 5;

/** `heartbeat`: when the process was seen alive, in seconds since 1970. */
export function isAlive(pid: number, heartbeat: number): boolean {
  const bootedAt = Date.now() / 1000 - uptime();
  if (heartbeat < bootedAt || !exists(pid)) return false;
  if (process.platform !== 'linux') return true;
  const stat = readStat(pid);
  if (!stat) return true;
  // A process that nobody waits for stays as a zombie: in containers whose first process does not collect them.
  return stat.state !== 'Z' && stat.state !== 'X' && bootedAt + stat.startedAfterBoot < heartbeat + TOLERANCE_SECONDS;
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function readStat(pid: number): { readonly state: string; readonly startedAfterBoot: number } | null {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return null; // not ours to read
  }
  // The name, in parentheses, may hold anything; state is field 3, the start time field 22.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const ticks = Number(fields[19]);
  return { state: fields[0] ?? '', startedAfterBoot: Number.isFinite(ticks) ? ticks / TICKS_PER_SECOND : 0 };
}
