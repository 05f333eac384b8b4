/** @file What a run writes to its disk at most, and whether there is room: nearly all of it is checkpoints. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { AdapterPlan } from '../adapters/plan';
import { restartedTensors } from '../adapters/restarts';
import { freeBytes } from '../formats/atomicFile';
import type { DiskEstimate } from '../protocol/calls/estimate';
import { mostCheckpoints } from '../runs/checkpointRetention';
import { checkpointBytes } from '../trainer/diskWatch';
import type { PreparedRun } from '../trainer/prepare';
import { restartSettings } from '../trainer/restartSettings';
import { cycleBaseBytes } from '../weights/cycleBase';

type PlannedRun = Pick<PreparedRun, 'plan' | 'config' | 'totalSteps' | 'evaluation'>;

export function runDisk({ plan, config, totalSteps, evaluation }: PlannedRun): DiskEstimate {
  const { save_steps: saveSteps, save_total_limit: limit, eval_steps } = config.training;
  const every = restartSettings(config)?.every;
  const evalSteps = evaluation ? eval_steps : null;
  const kept = mostCheckpoints({ totalSteps, evalSteps }, { saveSteps, limit });
  const mergedAt = (step: number): number =>
    every === undefined ? 0 : Math.floor(Math.min(step, totalSteps - 1) / every);
  // A new one is whole before another goes: for that long there is one more.
  const written = mostCheckpoints({ totalSteps, evalSteps: null }, { saveSteps, limit: undefined });
  const isOneMore = kept < written || (evalSteps !== null && evalSteps < totalSteps && evalSteps % saveSteps !== 0);
  let bytes = finalBytes(plan, mergedAt(totalSteps));
  // The latest are the largest: with restarts each holds what was merged before it.
  for (let i = 0; i < kept + (isOneMore ? 1 : 0); i++) {
    bytes += checkpointBytes(plan, mergedAt(Math.max(0, totalSteps - i * saveSteps)));
  }
  // While the next merged weights are written the last ones are still there.
  bytes += Math.min(2, mergedAt(totalSteps)) * cycleBaseBytes(plan);
  const free = freeBytes(existingFolder(config.output));
  return {
    folder: path.resolve(config.output),
    checkpointBytes: checkpointBytes(plan, mergedAt(totalSteps)),
    checkpoints: kept,
    bytes,
    ...(free !== undefined && { freeBytes: free }),
    fits: free === undefined || bytes <= free,
  };
}

/** Of the adapter that the run leaves: of all cycles where there are any. */
function finalBytes(plan: AdapterPlan, merged: number): number {
  const cycleBytes = restartedTensors(plan).reduce((n, { size }) => n + 4 * size, 0);
  return 4 * (plan.trainedSize + plan.frozenSize) + merged * cycleBytes;
}

/** The folder of runs, or the nearest above it that is there already. */
function existingFolder(wanted: string): string {
  let folder = path.resolve(wanted);
  while (!existsSync(folder) && path.dirname(folder) !== folder) folder = path.dirname(folder);
  return folder;
}
