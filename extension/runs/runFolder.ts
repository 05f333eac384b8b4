/** @file Names inside a run folder, and how its two small files are read. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunInfo, RunState } from '../../kernels/protocol/types';

export const runFiles = {
  info: 'run.json',
  state: 'state.json',
  metrics: 'metrics.jsonl',
  spectra: 'spectra.jsonl',
  activity: 'activity.jsonl',
  samples: 'samples.jsonl',
  events: 'events.jsonl',
  log: 'log.txt',
  adapter: 'adapter',
  checkpoints: 'checkpoints',
} as const;

/** `run.json`, or null while it is not there. Throws when it is not the description of a run. */
export async function readRunInfo(folder: string): Promise<RunInfo | null> {
  const info = await readJson(join(folder, runFiles.info));
  if (info === null) return null;
  if (typeof info['name'] !== 'string' || typeof info['total_steps'] !== 'number') {
    throw new Error(`${join(folder, runFiles.info)}: found no name and total_steps; expected the description of a run`);
  }
  return info as unknown as RunInfo;
}

/** `state.json`, or null while it is not there. Throws when it is not the state of a run. */
export async function readRunState(folder: string): Promise<RunState | null> {
  const state = await readJson(join(folder, runFiles.state));
  if (state === null) return null;
  if (typeof state['status'] !== 'string' || typeof state['step'] !== 'number' || typeof state['pid'] !== 'number') {
    throw new Error(`${join(folder, runFiles.state)}: found no status, step and pid; expected the state of a run`);
  }
  return state as unknown as RunState;
}

/** What a run has made so far that can be resumed or merged. */
export interface RunContents {
  /** The last complete checkpoint; a checkpoint is complete when it is there under its name. */
  readonly lastCheckpoint: string | null;
  /** The final adapter, there when the run has finished. */
  readonly adapter: string | null;
}

export async function readRunContents(folder: string): Promise<RunContents> {
  const steps = await readdir(join(folder, runFiles.checkpoints)).catch(() => []);
  const last = steps
    .filter((name) => /^step-\d+$/.test(name))
    .sort((a, b) => Number(a.slice(5)) - Number(b.slice(5)))
    .at(-1);
  const adapter = join(folder, runFiles.adapter);
  const hasAdapter = await stat(join(adapter, 'adapter_config.json')).then(
    (found) => found.isFile(),
    () => false,
  );
  return {
    lastCheckpoint: last === undefined ? null : join(folder, runFiles.checkpoints, last),
    adapter: hasAdapter ? adapter : null,
  };
}

async function readJson(file: string): Promise<Record<string, unknown> | null> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null) throw new Error(`${file}: found no object`);
  return value as Record<string, unknown>;
}
