/** @file Free memory as the system's files tell it, with the limits of control groups. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { machineMemory } from '../../../kernels/estimate/machine';
import { temporaryFolder } from '../../support/tinyModel';

const TOTAL = 16e9;

function system(files: Readonly<Record<string, string>>): string {
  const root = temporaryFolder();
  const all = { 'proc/meminfo': 'MemTotal: 16000000 kB\nMemFree: 1000000 kB\nMemAvailable: 8000000 kB\n', ...files };
  for (const [file, text] of Object.entries(all)) {
    mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    writeFileSync(path.join(root, file), text);
  }
  return root;
}

describe.runIf(process.platform === 'linux')('free memory', () => {
  it('counts caches that give way', () => {
    expect(machineMemory(system({}), TOTAL)).toEqual({ totalBytes: TOTAL, freeBytes: 8_000_000 * 1024 });
  });

  it('is what the tightest control group leaves, cached files aside', () => {
    const root = system({
      'proc/self/cgroup': '0::/user.slice/app\n',
      'sys/fs/cgroup/user.slice/memory.max': '6000000000\n',
      'sys/fs/cgroup/user.slice/memory.current': '1000000000\n',
      'sys/fs/cgroup/user.slice/app/memory.max': '4000000000\n',
      'sys/fs/cgroup/user.slice/app/memory.current': '2000000000\n',
      'sys/fs/cgroup/user.slice/app/memory.stat': 'anon 1500000000\ninactive_file 500000000\n',
    });
    expect(machineMemory(root, TOTAL)).toEqual({ totalBytes: TOTAL, freeBytes: 2.5e9, limitBytes: 4e9 });
  });

  it('is that of the machine where a group has no limit', () => {
    const root = system({
      'proc/self/cgroup': '0::/app\n',
      'sys/fs/cgroup/app/memory.max': 'max\n',
      'sys/fs/cgroup/app/memory.current': '2000000000\n',
    });
    expect(machineMemory(root, TOTAL).limitBytes).toBeUndefined();
  });

  it('knows groups of the first version', () => {
    const root = system({
      'proc/self/cgroup': '5:cpu,cpuacct:/x\n4:memory:/box\n',
      'sys/fs/cgroup/memory/box/memory.limit_in_bytes': '3000000000\n',
      'sys/fs/cgroup/memory/box/memory.usage_in_bytes': '1000000000\n',
    });
    expect(machineMemory(root, TOTAL)).toEqual({ totalBytes: TOTAL, freeBytes: 2e9, limitBytes: 3e9 });
  });

  it('of this machine is some of what it has', () => {
    const { totalBytes, freeBytes } = machineMemory();
    expect(freeBytes).toBeGreaterThan(0);
    expect(freeBytes).toBeLessThanOrEqual(totalBytes);
  });
});
