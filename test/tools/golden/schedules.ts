/** @file Golden cases of learning-rate schedules: the factor of each step. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { KernelError } from '../../../kernels/protocol/errors';
import type { Schedule } from '../../../kernels/trainer/schedule';
import { scheduleFactor } from '../../../kernels/trainer/schedule';
import type { Tolerance } from './compare';
import { compareValues } from './compare';
import type { GoldenResult } from './tokenizer';

interface Entry {
  readonly type: string;
  readonly num_training_steps?: number;
  readonly num_warmup_steps?: number | undefined;
  readonly first_warmup_steps?: number;
  readonly restart_warmup_steps?: number | null | undefined;
  readonly restart_every?: number | null | undefined;
  readonly cycle_length?: number | null | undefined;
  readonly min_lr_ratio?: number;
  readonly adjust_step?: number | undefined;
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

/** The fields as the reference's functions name them. Throws `adapter/unsupported` for a schedule that is none of ours. */
export function scheduleOf(entry: Omit<Entry, 'multipliers'>): Schedule {
  const name = entry.type.replace(/^transformers_/, '');
  const type = TYPES[name];
  if (!type) throw new KernelError('adapter/unsupported', `the schedule ${name} is not supported yet`);
  return {
    type,
    // transformers' constant takes no warm-up.
    warmupSteps: name === 'constant' ? 0 : (entry.num_warmup_steps ?? entry.first_warmup_steps ?? 0),
    totalSteps: entry.num_training_steps ?? 0,
    cycles: {
      every: entry.restart_every ?? entry.cycle_length ?? Infinity,
      restartWarmupSteps: entry.restart_warmup_steps ?? 0,
      minRatio: entry.min_lr_ratio ?? 0,
      adjustSteps: entry.adjust_step ?? 0,
    },
  };
}

const TYPES: Readonly<Record<string, Schedule['type']>> = {
  constant: 'constant',
  constant_with_warmup: 'constant',
  linear: 'linear',
  cosine: 'cosine',
  cosine_restarts: 'cosine_restarts',
  cyclical_cosine: 'cyclical_cosine',
};
