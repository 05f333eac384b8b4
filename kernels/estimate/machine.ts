/** @file Memory that a new process can take on this machine: what is available, within the limits of its control group. */
import { readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { MachineMemory } from '../protocol/calls/estimate';

/** `root`: where the system's own files are looked for (Linux). */
export function machineMemory(root = '/', totalBytes = os.totalmem()): MachineMemory {
  const isLinux = process.platform === 'linux';
  const freeBytes = (isLinux ? availableLinux(root) : undefined) ?? os.freemem();
  const group = isLinux ? tightestGroup(root, totalBytes) : undefined;
  if (!group) return { totalBytes, freeBytes };
  return { totalBytes, freeBytes: Math.min(freeBytes, group.free), limitBytes: group.limit };
}

/** `MemAvailable`: free pages and those that can be taken from caches. os.freemem() leaves the caches out. */
function availableLinux(root: string): number | undefined {
  const kilobytes = /^MemAvailable:\s+(\d+) kB/m.exec(read(path.join(root, 'proc/meminfo')) ?? '')?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
}

interface Group {
  readonly limit: number;
  readonly free: number;
}

/** The least room that a control group on the way to the root leaves (version 2, or the memory controller of version 1). */
function tightestGroup(root: string, totalBytes: number): Group | undefined {
  const lines = (read(path.join(root, 'proc/self/cgroup')) ?? '').split('\n').map((line) => line.split(':'));
  const second = lines.find(([id, controllers]) => id === '0' && controllers === '');
  const first = lines.find(([, controllers]) => controllers?.split(',').includes('memory'));
  const found = [
    ...groupsUpTo(path.join(root, 'sys/fs/cgroup'), second?.[2], ['memory.max', 'memory.current', 'inactive_file']),
    ...groupsUpTo(path.join(root, 'sys/fs/cgroup/memory'), first?.[2], [
      'memory.limit_in_bytes',
      'memory.usage_in_bytes',
      'total_inactive_file',
    ]),
  ].filter(({ limit }) => limit < totalBytes);
  return found.sort((a, b) => a.free - b.free)[0];
}

function groupsUpTo(
  root: string,
  group: string | undefined,
  [limitFile, usageFile, droppable]: readonly [string, string, string],
): readonly Group[] {
  if (group === undefined) return [];
  const found: Group[] = [];
  for (let at = path.posix.normalize(group); ; at = path.posix.dirname(at)) {
    const dir = path.posix.join(root, at);
    const limit = Number(read(path.posix.join(dir, limitFile)) ?? NaN); // "max" is no number
    const usage = Number(read(path.posix.join(dir, usageFile)) ?? NaN);
    if (Number.isFinite(limit) && Number.isFinite(usage)) {
      const stat = read(path.posix.join(dir, 'memory.stat')) ?? '';
      // Cached pages of files count as usage but give way.
      const cached = Number(new RegExp(`^${droppable} (\\d+)`, 'm').exec(stat)?.[1] ?? 0);
      found.push({ limit, free: Math.max(0, limit - usage + cached) });
    }
    if (at === '/' || at === '.') return found;
  }
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
