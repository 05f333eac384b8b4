/** @file Drives the built command line (`dist/kernel.js`) as its users do: a child process, `--json`, files. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { MetricRecord } from '../../../kernels/protocol/types';
import { runChecked, type Finished } from './childProcess';
import { projectRoot } from './projectRoot';

export interface EngineRun extends Finished {
  /** One object for each line of standard output. */
  readonly records: readonly Readonly<Record<string, unknown>>[];
}

/** Runs `adapter-studio COMMAND … --json`; a non-zero exit status is an error with what the program said. */
export async function runEngine(...args: readonly string[]): Promise<EngineRun> {
  const program = join(projectRoot, 'dist', 'kernel.js');
  if (!existsSync(program)) throw new Error(`${program} is missing; run \`npm run build\` first`);
  const finished = await runChecked(process.execPath, [program, ...args, '--json']);
  const records = finished.stdout
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => parseRecord(line, args));
  return { ...finished, records };
}

/** The folder a `train` made: the first record on standard output names it. */
export function runFolder({ records }: EngineRun): string {
  const folder = records[0]?.['run'];
  if (typeof folder !== 'string')
    throw new Error(`train printed ${JSON.stringify(records[0])} first, not its run folder`);
  return folder;
}

/** All records of a run's `metrics.jsonl`. */
export async function readMetrics(folder: string): Promise<MetricRecord[]> {
  const text = await readFile(join(folder, 'metrics.jsonl'), 'utf8');
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as MetricRecord);
}

function parseRecord(line: string, args: readonly string[]): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(line) as Readonly<Record<string, unknown>>;
  } catch (cause) {
    throw new Error(`${args[0]} --json wrote a line that is no JSON: ${line.slice(0, 200)}`, { cause });
  }
}
