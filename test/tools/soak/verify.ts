/**
 * @file What must hold of a run folder whenever a process of it was killed: every file is whole or is known by its name to be
 * temporary, nothing that was acknowledged is missing, and every number is the one of the uninterrupted run.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { openSafetensors } from '../../../kernels/formats/safetensors';
import type { MetricRecord, RunEvent, RunInfo, RunState, SampleRecord } from '../../../kernels/protocol/types';

/** What a process said it had done before it was killed. */
export interface Acknowledged {
  /** Records of `metrics.jsonl`, as they were written. */
  readonly metrics: readonly MetricRecord[];
  /** Steps of checkpoints. */
  readonly checkpoints: readonly number[];
}

export const NOTHING: Acknowledged = { metrics: [], checkpoints: [] };

/** Everything that is wrong with the folder, as sentences; empty when nothing is. */
export function verifyRun(dir: string, acknowledged: Acknowledged, reference: string): readonly string[] {
  const wrong: string[] = [];
  const check = (what: string, work: () => void): void => {
    try {
      work();
    } catch (error) {
      wrong.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  for (const name of readdirSync(dir)) check(name, () => verifyEntry(dir, name));
  check('acknowledged records', () => {
    const found = new Set(readLines<MetricRecord>(dir, 'metrics.jsonl').map(keyOf));
    const lost = acknowledged.metrics.filter((record) => !found.has(keyOf(record)));
    if (lost.length > 0) throw new Error(`lost ${lost.map((r) => `${r.kind} ${r.step}`).join(', ')}`);
  });
  check('acknowledged checkpoints', () => {
    const events = readLines<RunEvent>(dir, 'events.jsonl').flatMap(({ event, step }) =>
      event === 'checkpoint' ? [step] : [],
    );
    const isThere = (step: number): boolean => existsSync(path.join(dir, 'checkpoints', checkpointName(step)));
    const all = [...new Set([...acknowledged.checkpoints, ...events])];
    const { save_steps: saveSteps, save_total_limit: limit = Infinity } = trainingOf(dir);
    for (const step of all.filter((one) => !isThere(one))) {
      // One that was the best goes for a better one, and an old one where only so many are kept.
      const newer = all.filter((other) => other > step && isThere(other)).length;
      const isBeaten = step % saveSteps !== 0 && newer > 0;
      if (!isBeaten && newer < Math.max(1, limit - 1)) throw new Error(`lost that of step ${step}`);
    }
  });
  check('losses', () => {
    const expected = new Map(
      readLines<MetricRecord>(reference, 'metrics.jsonl').map((r) => [`${r.kind} ${r.step}`, r]),
    );
    for (const record of readLines<MetricRecord>(dir, 'metrics.jsonl')) {
      const other = expected.get(`${record.kind} ${record.step}`);
      if (!other || keyOf(other) !== keyOf(record)) {
        throw new Error(`${record.kind} ${record.step} is ${keyOf(record)}, expected ${other ? keyOf(other) : 'none'}`);
      }
    }
  });
  return wrong;
}

/** That a finished run left, to the bit, what the uninterrupted one left. */
export function verifyFinished(dir: string, reference: string): readonly string[] {
  const wrong: string[] = [];
  const expectSame = (what: string, found: unknown, expected: unknown): void => {
    if (JSON.stringify(found) !== JSON.stringify(expected)) wrong.push(`${what} differs from the uninterrupted run`);
  };
  const state = readState(dir);
  if (state.status !== 'finished') return [`the run is ${state.status}: ${state.error ?? ''}`];
  const timeless = (folder: string): unknown[] => readLines<MetricRecord>(folder, 'metrics.jsonl').map(keyOf);
  expectSame('metrics.jsonl', timeless(dir), timeless(reference));
  const samples = (folder: string): unknown[] =>
    readLines<SampleRecord>(folder, 'samples.jsonl').map((record) => ({ ...record, time: 0 }));
  expectSame('samples.jsonl', samples(dir), samples(reference));
  const kept = (folder: string): string[] => readdirSync(path.join(folder, 'checkpoints')).sort();
  expectSame('the list of checkpoints', kept(dir), kept(reference));
  const last = path.join('checkpoints', checkpointName(state.total_steps));
  const weights = 'adapter_model.safetensors';
  for (const file of [
    'spectra.jsonl',
    'activity.jsonl',
    path.join('adapter', weights),
    ...[weights, 'optimizer.safetensors', 'trainer_state.json'].map((name) => path.join(last, name)),
  ]) {
    const [found, expected] = [dir, reference].map((folder) => readFileSync(path.join(folder, file)));
    if (!found || !expected?.equals(found)) wrong.push(`${file} differs from the uninterrupted run`);
  }
  return wrong;
}

export const readState = (dir: string): RunState =>
  JSON.parse(readFileSync(path.join(dir, 'state.json'), 'utf8')) as RunState;

function trainingOf(dir: string): { readonly save_steps: number; readonly save_total_limit?: number } {
  const { config } = JSON.parse(readFileSync(path.join(dir, 'run.json'), 'utf8')) as RunInfo;
  return config['training'] as ReturnType<typeof trainingOf>;
}

/** Whole lines; half a line at the end, without its newline, is what a killed process may leave. */
export function readLines<T>(dir: string, name: string): T[] {
  const file = path.join(dir, name);
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  return lines.map((line, i) => {
    try {
      return JSON.parse(line) as T;
    } catch (cause) {
      throw new Error(`line ${i + 1} of ${name} is no record: ${line.slice(0, 60)}`, { cause });
    }
  });
}

const RECORDS = new Set(['metrics.jsonl', 'spectra.jsonl', 'activity.jsonl', 'events.jsonl', 'samples.jsonl']);
/** Files whose content is nobody's to read, or read by a test of its own. */
const OTHERS = new Set(['log.txt', '.room', 'owner']);

function verifyEntry(dir: string, name: string): void {
  const file = path.join(dir, name);
  if (isTemporary(name) || OTHERS.has(name)) return;
  if (RECORDS.has(name)) readLines(dir, name);
  else if (name === 'run.json' || name === 'state.json' || name === 'control.json') readJson(file);
  else if (name === 'adapter') verifyAdapter(file);
  else if (name === 'checkpoints') {
    for (const checkpoint of readdirSync(file)) {
      if (isTemporary(checkpoint)) continue;
      if (!/^step-\d{6,}$/.test(checkpoint)) throw new Error(`found ${checkpoint}`);
      verifyCheckpoint(path.join(file, checkpoint));
    }
  } else throw new Error('a file that nobody knows');
}

/** What every reader leaves out by its name. */
export const isTemporary = (name: string): boolean => name.startsWith('.') && name.endsWith('.tmp');

function verifyCheckpoint(dir: string): void {
  verifyAdapter(dir);
  readWhole(path.join(dir, 'optimizer.safetensors'));
  const { step } = readJson(path.join(dir, 'trainer_state.json')) as { readonly step?: unknown };
  if (checkpointName(Number(step)) !== path.basename(dir)) throw new Error(`its state is of step ${String(step)}`);
}

function verifyAdapter(dir: string): void {
  readJson(path.join(dir, 'adapter_config.json'));
  readWhole(path.join(dir, 'adapter_model.safetensors'));
}

/** Reads every tensor. */
function readWhole(file: string): void {
  const weights = openSafetensors(file);
  try {
    for (const name of weights.tensors.keys()) {
      if (weights.readF32(name).some((value) => !Number.isFinite(value))) throw new Error(`${name} is not finite`);
    }
  } finally {
    weights.close();
  }
}

function readJson(file: string): object {
  if (statSync(file).size === 0) throw new Error(`${file} is empty`);
  return JSON.parse(readFileSync(file, 'utf8')) as object;
}

const checkpointName = (step: number): string => `step-${String(step).padStart(6, '0')}`;

/** A record without what a clock says. */
function keyOf(record: MetricRecord): string {
  if (record.kind === 'eval') return JSON.stringify(['eval', record.step, record.loss, record.tokens]);
  const { step, epoch, tokens, loss, learning_rate: rate, grad_norm: norm } = record;
  return JSON.stringify(['train', step, epoch, tokens, loss, rate, norm]);
}
