/** @file The `relora:` section as training needs it: the length of a cycle, the schedule, the treatment of the optimiser. */
import * as l10n from '@vscode/l10n';
import type { AdapterPlan } from '../adapters/plan';
import type { RestartState } from '../adapters/restarts';
import { refuseRestarts } from '../adapters/restarts';
import type { ResolvedConfig } from '../config/loadConfig';
import { KernelError } from '../protocol/errors';
import type { ResetSettings } from './optimiserReset';
import type { Schedule } from './schedule';
import { scheduleFactor } from './schedule';

export interface RestartSettings {
  /** Steps of a cycle. */
  readonly every: number;
  readonly restartWarmupSteps: number;
  readonly reset: ResetSettings;
  readonly types: readonly unknown[] | undefined;
}

/** Null without restarts. */
export function restartSettings({ relora }: Pick<ResolvedConfig, 'relora'>): RestartSettings | null {
  const { every, restart_warmup_steps, optimizer_reset: mode, magnitude_pruning: pruned, mora_types: types } = relora;
  if (every === undefined) return null;
  const restartWarmupSteps = restart_warmup_steps ?? Math.min(50, Math.floor(every / 10));
  return { every, restartWarmupSteps, reset: { mode, pruned }, types };
}

/** Throws `adapter/unsupported` when the configuration asks for restarts that this adapter cannot do. */
export function refuseImpossibleRestarts(config: Pick<ResolvedConfig, 'relora'>, plan: AdapterPlan): void {
  const settings = restartSettings(config);
  if (settings) refuseRestarts(plan, settings.types);
}

/** Throws `input/refused` when the run is over before the first restart. */
export function refuseIdleRestarts(config: Pick<ResolvedConfig, 'relora'>, totalSteps: number, file: string): void {
  const { every } = config.relora;
  if (every === undefined || every < totalSteps) return;
  const found = l10n.t('is {0}, and the run has {1} steps', every, totalSteps);
  const expected = l10n.t('expected fewer steps than that: there would be no restart');
  throw KernelError.refused([{ file, where: 'relora.every', severity: 'error', found, expected }]);
}

/**
 * Throws `input/refused` when a cycle has a single step with a learning rate: then of several trained tensors of a layer only those
 * move that have a gradient at the start, and the others (A, where B is zero) stay random in each cycle.
 */
export function refuseHalfTrainedCycles(
  config: Pick<ResolvedConfig, 'relora' | 'training'>,
  { layers }: AdapterPlan,
  totalSteps: number,
  file: string,
): void {
  const { every } = config.relora;
  const hasSeveral = layers.some(({ params }) => Object.values(params).filter((p) => p.trainable).length > 1);
  if (every === undefined || !hasSeveral || 2 * every > totalSteps) return;
  const schedule = scheduleOf(config, totalSteps);
  // The second cycle, the first that begins with a restart.
  const rates = Array.from({ length: every }, (_, i) => scheduleFactor(schedule, every + i));
  if (rates.filter((rate) => rate > NO_RATE).length > 1) return;
  const found = l10n.t('is {0}, and with the warm-up only one step of a cycle has a learning rate', every);
  const expected = l10n.t('expected two at least, for A moves only after B has; write more steps or a shorter warm-up');
  throw KernelError.refused([{ file, where: 'relora.every', severity: 'error', found, expected }]);
}

/** Shares of the learning rate that move nothing: `cyclical_cosine` begins its cycles with one. */
const NO_RATE = 1e-6;

/** The schedule of a run. */
export function scheduleOf(config: Pick<ResolvedConfig, 'relora' | 'training'>, totalSteps: number): Schedule {
  const { lr_scheduler_type: type, warmup_steps: warmupSteps, min_lr_ratio: minRatio } = config.training;
  const settings = restartSettings(config);
  return {
    type,
    warmupSteps,
    totalSteps,
    ...(settings && {
      cycles: { every: settings.every, restartWarmupSteps: settings.restartWarmupSteps, minRatio },
    }),
  };
}

/** What the files of a later cycle say about how the run restarts. */
export function describeSettings(
  config: Pick<ResolvedConfig, 'relora' | 'training'>,
  { every, restartWarmupSteps: restartWarmup, reset, types = [] }: RestartSettings,
): Omit<RestartState, 'version' | 'cycle' | 'step' | 'merged'> {
  const { warmup_steps: warmup, min_lr_ratio: minLrRatio, seed } = config.training;
  return { every, warmup, restartWarmup, minLrRatio, resetMode: reset.mode, types, seed };
}
