/** @file The adapter that shows what a configuration has brought about: that of its last run, else the one it starts from. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { isPeftAdapter } from '../formats/peft';
import type { RunInfo } from '../protocol/types';

export interface FoundAdapter {
  readonly path: string;
  /** Step of a checkpoint; absent for what a run made at its end, and for an adapter from elsewhere. */
  readonly step?: number;
}

/** A folder with many runs is not searched through at each look: the newest few tell. */
const MOST_RUNS = 30;

/** `file`: the configuration. `output` and `initFrom` absolute. */
export function latestAdapter(file: string, output: string, initFrom: string | undefined): FoundAdapter | undefined {
  for (const run of runsOf(file, output)) {
    const adapter = path.join(run, 'adapter');
    if (isPeftAdapter(adapter)) return { path: adapter };
    const step = lastStep(path.join(run, 'checkpoints'));
    if (step) return step;
  }
  return initFrom !== undefined && isPeftAdapter(initFrom) ? { path: initFrom } : undefined;
}

/** Run folders of this configuration, newest first. */
function runsOf(file: string, output: string): string[] {
  const name = path.basename(file).replace(/(\.adapter)?\.ya?ml$/, '');
  // The names of run folders begin with that of the configuration and the time at which they were made.
  const folders = listed(output)
    .filter((entry) => entry.startsWith(`${name}-`))
    .sort()
    .reverse()
    .slice(0, MOST_RUNS)
    .map((entry) => path.join(output, entry));
  return folders.filter((folder) => configFileOf(folder) === file);
}

function configFileOf(folder: string): string | undefined {
  try {
    return (JSON.parse(readFileSync(path.join(folder, 'run.json'), 'utf8')) as Partial<RunInfo>).config_file;
  } catch {
    return undefined; // no run, or one that is being made
  }
}

function lastStep(checkpoints: string): FoundAdapter | undefined {
  const steps = listed(checkpoints).flatMap((name) => (/^step-\d+$/.test(name) ? [Number(name.slice(5))] : []));
  const name = listed(checkpoints).find((entry) => Number(/^step-(\d+)$/.exec(entry)?.[1]) === Math.max(...steps));
  const folder = name === undefined ? undefined : path.join(checkpoints, name);
  if (folder === undefined || !existsSync(path.join(folder, 'adapter_config.json'))) return undefined;
  return { path: folder, step: Math.max(...steps) };
}

function listed(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // no run was made yet
  }
}
