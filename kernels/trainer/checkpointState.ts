/** @file What a checkpoint holds beside the adapter: optimiser moments and the trainer's counters, exact to the bit. */
import * as l10n from '@vscode/l10n';
import { existsSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { SaveOptions, TensorValues } from '../adapters/adapterFile';
import type { AdapterPlan } from '../adapters/plan';
import { loadInto, saveAdapter } from '../adapters/adapterFile';
import { AtomicFolder, writeFileAtomic } from '../formats/atomicFile';
import { bytesOf } from '../formats/dtype';
import { nonFiniteIn, nonFiniteProblem } from '../formats/nonFinite';
import { openSafetensors } from '../formats/safetensors';
import { SafetensorsWriter } from '../formats/safetensorsWriter';
import { KernelError } from '../protocol/errors';
import type { AdamW } from './adamw';
import { Parameters } from './parameters';
import type { TrainerState } from './trainerState';
import { readTrainerState, STATE_FILE } from './trainerState';

export const MOMENTS_FILE = 'optimizer.safetensors';

/** Writes a complete checkpoint folder or none. */
export function saveCheckpoint(
  dir: string,
  parameters: Parameters,
  optimiser: AdamW,
  state: TrainerState,
  options: SaveOptions,
): void {
  const counters = `${JSON.stringify(state, null, 2)}\n`;
  const isThere = existsSync(path.join(dir, STATE_FILE));
  if (isThere && holdsSame(dir, parameters, optimiser)) {
    // The run goes on from this very step: what it holds must not be absent for a moment.
    writeFileAtomic(path.join(dir, STATE_FILE), counters);
    return;
  }
  if (isThere) rmSync(dir, { recursive: true });
  const folder = AtomicFolder.create(dir);
  try {
    const at = folder.temporaryPath;
    saveAdapter(at, parameters.plan, parameters, options);
    saveMoments(path.join(at, MOMENTS_FILE), parameters.plan, optimiser);
    writeFileAtomic(path.join(at, STATE_FILE), counters);
    folder.commit();
  } catch (error) {
    folder.abort();
    throw error;
  }
}

/** Whether a checkpoint has the trained tensors and moments that would be written, to the bit. */
function holdsSame(dir: string, { plan, trained }: Parameters, { firstMoment, secondMoment }: AdamW): boolean {
  const stored = new Parameters(plan);
  loadInto(dir, plan, stored);
  const moments = { firstMoment: new Float32Array(trained.length), secondMoment: new Float32Array(trained.length) };
  loadMoments(dir, plan, moments);
  const isSame = (a: Float32Array, b: Float32Array): boolean => Buffer.compare(bytesOf(a), bytesOf(b)) === 0;
  return (
    isSame(stored.trained, trained) &&
    isSame(moments.firstMoment, firstMoment) &&
    isSame(moments.secondMoment, secondMoment)
  );
}

/** Writes the adapter of a finished run: the whole folder or none of it. */
export function saveFinalAdapter(dir: string, plan: AdapterPlan, values: TensorValues, options: SaveOptions): void {
  if (existsSync(dir)) {
    saveAdapter(dir, plan, values, options); // of the same run, which ended before it could say so: each file is replaced
    return;
  }
  const folder = AtomicFolder.create(dir);
  try {
    saveAdapter(folder.temporaryPath, plan, values, options);
    folder.commit();
  } catch (error) {
    folder.abort();
    throw error;
  }
}

/**
 * Puts a checkpoint's tensors and moments back where they were. Throws an error of which `isDamage` holds for one that is not
 * whole; part of the tensors may be its by then, until another checkpoint is loaded.
 */
export function loadCheckpoint(dir: string, parameters: Parameters, optimiser: AdamW): TrainerState {
  const state = readTrainerState(dir);
  loadInto(dir, parameters.plan, parameters);
  loadMoments(dir, parameters.plan, optimiser);
  optimiser.step = state.optimiserStep;
  return state;
}

/** Whether the evaluation of a checkpoint was the best so far when it was saved; not known of a damaged one. */
export function wasBest(dir: string): boolean {
  try {
    const { step, best } = readTrainerState(dir);
    return best?.step === step;
  } catch (error) {
    if (isDamage(error)) return false;
    throw error;
  }
}

/** Whether an error says that the files of a checkpoint are not what a run saved. */
export const isDamage = (error: unknown): error is KernelError =>
  KernelError.is(error) && ['input/refused', 'format/invalid', 'adapter/unsupported'].includes(error.code);

type Moments = Pick<AdamW, 'firstMoment' | 'secondMoment'>;

function loadMoments(dir: string, plan: AdapterPlan, { firstMoment, secondMoment }: Moments): void {
  const file = path.join(dir, MOMENTS_FILE);
  const moments = openSafetensors(file);
  const read = (name: string, shape: readonly number[]): Float32Array => {
    const found = moments.tensor(name).shape;
    if (found.join() !== shape.join()) {
      const expected = l10n.t('expected [{0}]', shape.join(', '));
      throw KernelError.invalid([
        { file, where: name, severity: 'error', found: l10n.t('is [{0}]', found.join(', ')), expected },
      ]);
    }
    const values = moments.readF32(name);
    const wrong = nonFiniteIn(values);
    if (wrong) throw KernelError.invalid([nonFiniteProblem(file, name, shape, wrong)]);
    return values;
  };
  try {
    for (const t of plan.trained) {
      firstMoment.set(read(`${t.key}.exp_avg`, t.shape), t.offset);
      secondMoment.set(read(`${t.key}.exp_avg_sq`, t.shape), t.offset);
    }
  } finally {
    moments.close();
  }
}

function saveMoments(file: string, plan: AdapterPlan, { firstMoment, secondMoment }: Moments): void {
  const parts = plan.trained.flatMap((t) => [
    { name: `${t.key}.exp_avg`, shape: t.shape, data: firstMoment.subarray(t.offset, t.offset + t.size) },
    { name: `${t.key}.exp_avg_sq`, shape: t.shape, data: secondMoment.subarray(t.offset, t.offset + t.size) },
  ]);
  const writer = SafetensorsWriter.create(
    file,
    parts.map(({ name, shape }) => ({ name, shape, dtype: 'F32' })),
  );
  try {
    for (const { name, data } of parts) writer.write(name, bytesOf(data));
    writer.commit();
  } catch (error) {
    writer.abort();
    throw error;
  }
}
