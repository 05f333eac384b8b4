/** @file The `relora:` section as training needs it: the length of a cycle, the schedule, the treatment of the optimiser. */
import * as l10n from '@vscode/l10n';
import type { AdapterPlan } from '../adapters/plan';
import type { RestartState } from '../adapters/restarts';
import { refuseRestarts } from '../adapters/restarts';
import type { ResolvedConfig } from '../config/loadConfig';
import { KernelError } from '../protocol/errors';
import type { ResetSettings } from './optimiserReset';
import type { Schedule } from './schedule';

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
