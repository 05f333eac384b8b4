/** @file Restarts in golden cases: the product's own, with the fresh factors of the reference in place of drawn ones. */
import path from 'node:path';
import type { SafetensorsFile } from '../../../kernels/formats/safetensors';
import { reloraFields, trainingFields } from '../../../kernels/config/sections';
import type { AdamW } from '../../../kernels/trainer/adamw';
import type { OptimiserGroup } from '../../../kernels/trainer/optimiserGroups';
import type { CycleParts } from '../../../kernels/trainer/restarts';
import { Restarts } from '../../../kernels/trainer/restarts';
import { ModelRunner } from '../../../kernels/trainer/runner';
import type { Schedule } from '../../../kernels/trainer/schedule';
import { withDefaults } from '../../../kernels/util/fields';
import type { Tolerance } from './compare';
import { compareValues } from './compare';
import { peftName } from './names';
import type { GoldenResult } from './tokenizer';

/** The schedule of a case of kind "relora", as the reference's function names its arguments. */
export interface RestartSchedule {
  readonly scheduler_type: string;
  readonly num_training_steps: number;
  readonly warmup_steps: number;
  readonly min_lr_ratio: number;
  readonly cycle_length?: number | null;
  readonly restart_warmup_steps?: number | null;
  readonly adjust_step?: number;
}

export interface RestartCase {
  /** The step (from 1) after which the adapter is merged and begun anew. */
  readonly merge_after_step?: number;
  /** What becomes of the optimiser's state, in words. */
  readonly optimizer_reset?: string;
  readonly mora_type_before?: number;
  readonly mora_type_after?: number;
  readonly schedule?: RestartSchedule;
}

const RUN = { device: 'cpu', threads: 2 } as const;

/** The parts of a training that a restart replaces, and the graphs that run on them. */
export class GoldenTraining {
  runner: ModelRunner;

  constructor(public parts: CycleParts) {
    this.runner = runnerOf(parts);
  }

  async begin(parts: CycleParts): Promise<void> {
    await this.runner.dispose();
    this.parts = parts;
    this.runner = runnerOf(parts);
  }

  dispose(): Promise<void> {
    return this.runner.dispose();
  }
}

const runnerOf = ({ model, plan, parameters }: CycleParts): ModelRunner =>
  new ModelRunner(model, plan, parameters, RUN);

/** Null for a case without a restart. */
export function restartsOf(
  {
    optimizer,
    ...test
  }: RestartCase & { readonly optimizer?: { readonly steps: number; readonly magnitude_pruning?: number } },
  { parts }: GoldenTraining,
  work: string,
): Restarts | null {
  const every = test.merge_after_step;
  if (every === undefined || !optimizer) return null;
  const { mora_type_before: before, mora_type_after: after } = test;
  const relora = withDefaults(reloraFields, {
    every,
    optimizer_reset: resetMode(test.optimizer_reset ?? ''),
    magnitude_pruning: optimizer.magnitude_pruning,
    ...(before !== undefined && { mora_types: before === after ? [before] : [before, after] }),
  });
  const training = withDefaults(trainingFields, {});
  return Restarts.of(
    { ...parts, config: { relora, training }, totalSteps: optimizer.steps },
    path.join(work, 'cycles'),
  );
}

function resetMode(words: string): string {
  if (/magnitude/.test(words)) return 'magnitude';
  if (/dropped/.test(words)) return 'reset';
  if (/zeroed/.test(words)) return 'zero';
  if (/kept/.test(words)) return 'keep';
  throw new Error(`the treatment of the optimiser is not known: ${words}`);
}

/** Restarts where the case does: compares what is merged, and what it is merged into, and takes the reference's fresh factors. */
export async function restartAndCompare(
  training: GoldenTraining,
  restarts: Restarts,
  state: {
    readonly step: number;
    readonly optimiser: AdamW;
    readonly groups: readonly OptimiserGroup[];
    readonly schedule: Schedule;
  },
  tensors: SafetensorsFile,
  tolerances: Readonly<Record<string, Tolerance>>,
): Promise<GoldenResult[]> {
  const results: GoldenResult[] = [];
  const before = training.parts;
  const named = before.plan.trained.map((t) => ({ t, name: peftName(t, before.plan) }));
  const compare = (quantity: string, values: Float32Array): void => {
    if (!tensors.tensors.has(quantity)) return;
    const allowed = tolerances[quantity.replace(/^[a-z_]+\./, '')] ?? tolerances[quantity] ?? { atol: 0 };
    results.push(compareValues(quantity, values, tensors.readF32(quantity), allowed, { isTrained: true }));
  };
  for (const { t, name } of named) compare(`before_merge.${name}`, before.parameters.get(t.key));
  await training.runner.dispose();
  let after = before;
  await restarts.recorded(before, state, (parts) => (after = parts));
  state.optimiser.counted = restarts.counted;
  await training.begin(after);
  const { model, plan, parameters } = after;
  for (const { site } of plan.layers) compare(`base_after_merge.${site.weight}`, model.checkpoint.readF32(site.weight));
  for (const { t, name } of named) {
    const fresh = `reinit.${name}`;
    if (tensors.tensors.has(fresh)) parameters.set(t.key, tensors.readF32(fresh));
  }
  return results;
}
