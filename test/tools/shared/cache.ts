/** @file Where the comparisons keep what is slow to get (checkpoints), and the folder in which one of them works. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** `$XDG_CACHE_HOME/adapter-studio` or `~/.cache/adapter-studio`. */
export function defaultCache(): string {
  return join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'adapter-studio');
}

/** Calls `work` with a fresh folder on the cache's disk (the system's temporary folder may be memory) and removes it. */
export async function withWorkFolder<T>(cache: string, work: (folder: string) => Promise<T>): Promise<T> {
  await mkdir(cache, { recursive: true });
  const folder = await mkdtemp(join(cache, 'work-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
