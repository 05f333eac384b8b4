/** @file Peak resident memory of a process and its children, read from Linux's /proc; elsewhere it is not measured. */
import { readdirSync, readFileSync } from 'node:fs';

/**
 * Follows a process until `stop()`, which returns the peak in bytes, or undefined where /proc is missing.
 * The peak is the larger of the process's own high-water mark (VmHWM, exact) and the largest sum over it and its
 * descendants that was seen while polling (a child that loads the engine counts as well).
 */
export function followPeak(pid: number, everyMs = 50): { stop(): number | undefined } {
  let peak: number | undefined;
  const look = () => {
    const own = readStatus(pid);
    if (!own) return;
    const sum = [...descendants(pid)].reduce(
      (total, child) => total + (readStatus(child)?.resident ?? 0),
      own.resident,
    );
    peak = Math.max(peak ?? 0, own.highWater, sum);
  };
  look();
  const timer = setInterval(look, everyMs);
  return {
    stop() {
      clearInterval(timer);
      return peak;
    },
  };
}

function readStatus(pid: number): { highWater: number; resident: number } | null {
  try {
    const text = readFileSync(`/proc/${pid}/status`, 'utf8');
    const kilobytes = (field: string) => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0);
    const highWater = kilobytes('VmHWM') * 1024;
    // A process that has ended but was not waited for has no memory lines.
    return highWater > 0 ? { highWater, resident: kilobytes('VmRSS') * 1024 } : null;
  } catch {
    return null; // ended, or not Linux
  }
}

function* descendants(pid: number): Generator<number> {
  let threads: string[];
  try {
    threads = readdirSync(`/proc/${pid}/task`);
  } catch {
    return;
  }
  for (const thread of threads) {
    let children: string;
    try {
      children = readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8');
    } catch {
      continue; // the thread ended meanwhile, or the kernel was built without this file
    }
    for (const child of children.trim().split(' ').filter(Boolean).map(Number)) {
      yield child;
      yield* descendants(child);
    }
  }
}
