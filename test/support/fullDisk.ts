/**
 * @file A disk that is full, for a process of the engine: a module loaded before it lets writes to some files fail as the
 * system does, after taking a part of them. `small` disks are real ones, where the tests may make them.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll } from 'vitest';

/** Environment in which writes to files whose path matches `pattern` fail from the `nth` one on (counted from 1). */
export function fullDiskFor(folder: string, pattern: string, nth = 1): NodeJS.ProcessEnv {
  const file = path.join(folder, 'fullDisk.cjs');
  writeFileSync(file, PRELOAD);
  return { NODE_OPTIONS: `--require ${file}`, FULL_DISK_PATTERN: pattern, FULL_DISK_NTH: String(nth) };
}

const PRELOAD = `
const fs = require('node:fs');
const pattern = new RegExp(process.env.FULL_DISK_PATTERN);
const nth = Number(process.env.FULL_DISK_NTH);
const paths = new Map();
let writes = 0;
const { openSync, writeSync } = fs;
fs.openSync = (file, ...rest) => {
  const fd = openSync(file, ...rest);
  paths.set(fd, String(file));
  return fd;
};
fs.writeSync = (fd, bytes, offset = 0, length = bytes.length, position = null) => {
  if (!pattern.test(paths.get(fd) ?? '') || ++writes < nth) return writeSync(fd, bytes, offset, length, position);
  if (writes === nth && length > 1) return writeSync(fd, bytes, offset, length >> 1, position);
  throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC', errno: -28, syscall: 'write' });
};
`;

export interface SmallDisk {
  readonly dir: string;
  /** Gives it another size. */
  resize(megabytes: number): void;
}

/** A disk in memory, or null where this user may not mount one. It is unmounted when the test file is done. */
export function smallDisk(megabytes: number): SmallDisk | null {
  const dir = mkdtempSync(path.join(tmpdir(), 'adapter-studio-disk-'));
  const mount = (...options: string[]): void =>
    void execFileSync('mount', [...options, '-t', 'tmpfs', 'tmpfs', dir], { stdio: 'pipe' });
  try {
    mount('-o', `size=${megabytes}m`);
  } catch {
    rmSync(dir, { recursive: true });
    return null;
  }
  afterAll(() => {
    execFileSync('umount', ['-l', dir]);
    rmSync(dir, { recursive: true });
  });
  return { dir, resize: (size) => mount('-o', `remount,size=${size}m`) };
}
