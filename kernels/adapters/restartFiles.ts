/**
 * @file What an adapter folder holds beside the adapter when its cycle is not the first: `relora_state.json`, and in
 * `relora_base_delta.safetensors` the adapters of all merged cycles, each tensor `<module>.<parameter>` stacked along a first
 * dimension. They are factors, so they are small; and merging them one after the other, as the run did, gives its weights to
 * the bit, which a sum of rounded delta weights would not.
 */
import * as l10n from '@vscode/l10n';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { writeFileAtomic } from '../formats/atomicFile';
import { bytesOf } from '../formats/dtype';
import { readJsonObject } from '../formats/jsonFile';
import { jsonValue } from '../formats/jsonTree';
import { nonFiniteIn, nonFiniteProblem } from '../formats/nonFinite';
import { openSafetensors } from '../formats/safetensors';
import { SafetensorsWriter } from '../formats/safetensorsWriter';
import type { Problem } from '../protocol/errors';
import { KernelError } from '../protocol/errors';
import type { AdapterPlan, PlannedTensor } from './plan';
import type { MergedCycle, RestartHistory, RestartState } from './restarts';
import { restartedTensors } from './restarts';

export const RESTART_STATE_FILE = 'relora_state.json';
export const RESTART_DELTA_FILE = 'relora_base_delta.safetensors';

type Config = Readonly<Record<string, unknown>>;

/** Writes both files; each is replaced as a whole. */
export function writeRestarts(dir: string, plan: AdapterPlan, { state, cycles }: RestartHistory): void {
  const tensors = restartedTensors(plan);
  const specs = tensors.map(({ key, shape }) => ({
    name: key,
    shape: [cycles.length, ...shape],
    dtype: 'F32' as const,
  }));
  const writer = SafetensorsWriter.create(path.join(dir, RESTART_DELTA_FILE), specs, {
    metadata: new Map([['format', 'pt']]),
  });
  try {
    for (const { key } of tensors) {
      for (const { values } of cycles) {
        const data = values.get(key);
        if (!data) throw new KernelError('internal', `no values for ${key}`);
        writer.write(key, bytesOf(data));
      }
    }
    writer.commit();
  } catch (error) {
    writer.abort();
    throw error;
  }
  writeFileAtomic(path.join(dir, RESTART_STATE_FILE), `${JSON.stringify(state, null, 2)}\n`);
}

/** Whether a folder holds an adapter of a later cycle, by its own word or by the files beside it. */
export function hasRestarts(dir: string, marked: number | undefined): boolean {
  return marked !== undefined || [RESTART_STATE_FILE, RESTART_DELTA_FILE].some((f) => existsSync(path.join(dir, f)));
}

/** The adapter that the cycles precede: its configuration, and its own tensors. */
export interface RestartedAdapter {
  readonly config: Config;
  readonly tensors: readonly Pick<PlannedTensor, 'key' | 'shape' | 'size'>[];
}

/**
 * The merged cycles of an adapter. `marked`: the cycle that adapter_config.json names. Throws
 * `input/refused` or `format/invalid` when a file is missing, damaged, or of another adapter: without them the adapter would be
 * another one.
 */
export function readRestarts(dir: string, adapter: RestartedAdapter, marked: number | undefined): RestartHistory {
  for (const name of [RESTART_STATE_FILE, RESTART_DELTA_FILE]) {
    if (existsSync(path.join(dir, name))) continue;
    const found = l10n.t('has no {0}', name);
    const cycle = marked === undefined ? l10n.t('a later cycle') : l10n.t('cycle {0}', marked);
    const expected = l10n.t(
      'expected it beside the adapter, which belongs to {0} of a run with restarts: alone it is not the model that was trained',
      cycle,
    );
    throw KernelError.refused([{ file: dir, severity: 'error', found, expected }]);
  }
  const state = readState(path.join(dir, RESTART_STATE_FILE), marked);
  return { state, cycles: readCycles(path.join(dir, RESTART_DELTA_FILE), adapter, state) };
}

function readState(file: string, marked: number | undefined): RestartState {
  const { node } = readJsonObject(file, l10n.t('expected the state of a run with restarts'));
  const values = jsonValue(node) as Config;
  const problems: Problem[] = [];
  const add = (where: string, expected: string): void => {
    const found = values[where] === undefined ? l10n.t('is missing') : l10n.t('is {0}', JSON.stringify(values[where]));
    problems.push({ file, where, severity: 'error', found, expected });
  };
  if (values['version'] !== 1) add('version', 'expected 1');
  for (const where of ['cycle', 'every', 'warmup', 'restartWarmup', 'step', 'seed']) {
    if (!Number.isSafeInteger(values[where]) || Number(values[where]) < 0)
      add(where, l10n.t('expected a whole number'));
  }
  const { merged, cycle } = values;
  const areObjects = Array.isArray(merged) && merged.every((m) => typeof m === 'object' && m !== null);
  if (!areObjects || merged.length === 0) add('merged', l10n.t('expected an object for each merged cycle'));
  else if (cycle !== merged.length + 1)
    add('cycle', l10n.t('expected {0}, one more than were merged', merged.length + 1));
  else if (marked !== undefined && cycle !== marked)
    add('cycle', l10n.t('expected {0}, as adapter_config.json says', marked));
  if (problems.length > 0) throw KernelError.invalid(problems);
  return values as unknown as RestartState; // what was looked at above
}

function readCycles(
  file: string,
  { tensors, config }: RestartedAdapter,
  { merged }: RestartState,
): readonly MergedCycle[] {
  const stored = openSafetensors(file);
  try {
    const problems: Problem[] = [];
    const stacks = new Map<string, Float32Array>();
    for (const { key, shape } of tensors) {
      const wanted = [merged.length, ...shape];
      const found = stored.tensors.get(key);
      const expected = `expected [${wanted.join(', ')}]`;
      if (found?.shape.join() !== wanted.join()) {
        const is = found ? `is [${found.shape.join(', ')}]` : l10n.t('is missing');
        problems.push({ file, where: key, severity: 'error', found: is, expected });
        continue;
      }
      const values = stored.readF32(key);
      const wrong = nonFiniteIn(values);
      if (wrong) problems.push(nonFiniteProblem(file, key, wanted, wrong));
      stacks.set(key, values);
    }
    const known = new Set(tensors.map(({ key }) => key));
    for (const where of stored.tensors.keys()) {
      if (known.has(where)) continue;
      const expected = l10n.t('expected tensors of the adapter beside it only');
      problems.push({ file, where, severity: 'error', found: l10n.t('has no place in the adapter'), expected });
    }
    if (problems.length > 0) throw KernelError.invalid(problems);
    return merged.map((changes, i) => ({
      config: { ...config, ...changes },
      values: new Map(
        tensors.map(({ key, size }) => [
          key,
          (stacks.get(key) ?? new Float32Array()).subarray(i * size, (i + 1) * size),
        ]),
      ),
    }));
  } finally {
    stored.close();
  }
}

/** The fields of `config` that differ from `from`, for `RestartState.merged`. */
export function changedFields(config: Config, from: Config): Config {
  return Object.fromEntries(
    Object.entries(config).filter(([key, value]) => JSON.stringify(value) !== JSON.stringify(from[key])),
  );
}
