/** @file Golden cases of learning-rate schedules: the factor of each step. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Schedule } from '../../../kernels/trainer/schedule';
import { scheduleFactor } from '../../../kernels/trainer/schedule';
import type { Tolerance } from './compare';
import { compareValues } from './compare';
import type { GoldenResult } from './tokenizer';

interface Entry {
  readonly type: string;
  readonly num_training_steps?: number;
  readonly num_warmup_steps?: number;
  readonly first_warmup_steps?: number;
  readonly restart_warmup_steps?: number;
  readonly restart_every?: number;
  readonly cycle_length?: number;
  readonly min_lr_ratio?: number;
  readonly adjust_step?: number;
  readonly multipliers: readonly number[];
}

/** Runs one folder whose case.json is of kind "schedules": one result for each schedule. */
export function runSchedules(folder: string): GoldenResult[] {
  const { schedules, tolerance } = JSON.parse(readFileSync(path.join(folder, 'expected.json'), 'utf8')) as {
    readonly schedules: readonly Entry[];
    readonly tolerance: { readonly multipliers: Tolerance };
  };
  return schedules.map((entry, i) => {
    const schedule = scheduleOf(entry);
    const factors = entry.multipliers.map((_, step) => scheduleFactor(schedule, step));
    return compareValues(`${entry.type} ${i + 1}`, factors, entry.multipliers, tolerance.multipliers);
  });
}

/** The fields as the reference's functions name them. */
export function scheduleOf(entry: Omit<Entry, 'multipliers'>): Schedule {
  const type = entry.type.replace(/^transformers_/, '');
  return {
    type: type as Schedule['type'],
    warmupSteps: entry.num_warmup_steps ?? entry.first_warmup_steps ?? 0,
    totalSteps: entry.num_training_steps ?? 0,
    cycles: {
      every: entry.restart_every ?? entry.cycle_length ?? Infinity,
      restartWarmupSteps: entry.restart_warmup_steps ?? 0,
      minRatio: entry.min_lr_ratio ?? 0,
      adjustSteps: entry.adjust_step ?? 0,
    },
  };
}
