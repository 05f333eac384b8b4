/** @file What a checkpoint holds beside the adapter: optimiser moments and the trainer's counters, exact to the bit. */
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { SaveOptions, TensorValues } from '../adapters/adapterFile';
import type { AdapterPlan } from '../adapters/plan';
import { loadInto, saveAdapter } from '../adapters/adapterFile';
import { AtomicFolder, writeFileAtomic } from '../formats/atomicFile';
import { bytesOf } from '../formats/dtype';
import { openSafetensors } from '../formats/safetensors';
import { SafetensorsWriter } from '../formats/safetensorsWriter';
import { KernelError } from '../protocol/errors';
import type { AdamW } from './adamw';
import { Parameters } from './parameters';

const STATE_FILE = 'trainer_state.json';
const MOMENTS_FILE = 'optimizer.safetensors';

/** Counters of a run after `step`; everything else follows from the configuration and the seed. */
export interface TrainerState {
  readonly version: 1;
  readonly step: number;
  /** Last step whose evaluation and spectra are recorded: that of `step`, but for a run that was stopped while evaluating. */
  readonly completed: number;
  /** All tokens read so far, padding not counted. */
  readonly tokens: number;
  readonly optimiserStep: number;
  readonly best: { readonly step: number; readonly loss: number } | null;
  /** Evaluations since the best one. */
  readonly evaluationsWithoutGain: number;
  /** What the method measured in the latest batches, by tensor. */
  readonly measured?: Readonly<Record<string, readonly number[]>>;
}

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
    mkdirSync(at, { recursive: true });
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

/** Puts a checkpoint's tensors and moments back where they were. */
export function loadCheckpoint(dir: string, parameters: Parameters, optimiser: AdamW): TrainerState {
  const file = path.join(dir, STATE_FILE);
  let state: TrainerState;
  try {
    state = JSON.parse(readFileSync(file, 'utf8')) as TrainerState;
  } catch (cause) {
    throw new KernelError('format/invalid', `${file} cannot be read: ${String(cause)}`, { cause });
  }
  loadInto(dir, parameters.plan, parameters);
  loadMoments(dir, parameters.plan, optimiser);
  optimiser.step = state.optimiserStep;
  return state;
}

type Moments = Pick<AdamW, 'firstMoment' | 'secondMoment'>;

function loadMoments(dir: string, plan: AdapterPlan, { firstMoment, secondMoment }: Moments): void {
  const moments = openSafetensors(path.join(dir, MOMENTS_FILE));
  try {
    for (const t of plan.trained) {
      firstMoment.set(moments.readF32(`${t.key}.exp_avg`), t.offset);
      secondMoment.set(moments.readF32(`${t.key}.exp_avg_sq`), t.offset);
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
