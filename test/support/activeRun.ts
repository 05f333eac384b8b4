/** @file Short real runs whose activity is looked at: as they should be, and with a part of the method broken on purpose. */
import path from 'node:path';
import { planAdapter } from '../../kernels/adapters/plan';
import type { AnyAdapterMethod } from '../../kernels/adapters/types';
import type { ActivityRecord, ActivityVerdict } from '../../kernels/protocol/types';
import { RunFolder } from '../../kernels/runs/runFolder';
import { optimiserGroups } from '../../kernels/trainer/optimiserGroups';
import { Parameters } from '../../kernels/trainer/parameters';
import type { PreparedRun } from '../../kernels/trainer/prepare';
import { readConfig } from '../../kernels/check/checkConfig';
import { prepareRun } from '../../kernels/trainer/prepare';
import { train } from '../../kernels/trainer/trainer';
import type { ConfigChanges, TrainingFixture } from './tinyTraining';

export type Tamper = (prepared: PreparedRun) => PreparedRun;

/** Trains and returns what was recorded of the activity, step by step. */
export async function activityOf(
  fixture: TrainingFixture,
  name: string,
  changes: ConfigChanges,
  tamper: Tamper = (prepared) => prepared,
): Promise<readonly ActivityRecord[]> {
  const file = fixture.config(name, {
    ...changes,
    training: { max_steps: 6, warmup_steps: 0, lr_scheduler_type: 'constant', save_steps: 100, ...changes.training },
  });
  const prepared = tamper(await prepareRun(file, readConfig(file)));
  const run = RunFolder.create(path.join(fixture.folder, 'runs', name), prepared.info);
  try {
    await train(run, prepared, { isResumed: false, signal: new AbortController().signal });
    return run.activity();
  } finally {
    prepared.close();
  }
}

/** The run with another method object: a broken build of the same one. */
export const withMethod =
  (change: (method: AnyAdapterMethod) => Partial<AnyAdapterMethod>): Tamper =>
  (prepared) => {
    const { plan, model, config } = prepared;
    const method = { ...plan.method, ...change(plan.method) };
    const broken = planAdapter(method, plan.config, model);
    const parameters = new Parameters(broken).initialise(model, config.training.seed);
    return { ...prepared, plan: broken, parameters, groups: optimiserGroups(broken, {}) };
  };

/** The verdict of each figure of the last record. */
export function verdicts(records: readonly ActivityRecord[]): Readonly<Record<string, ActivityVerdict>> {
  return Object.fromEntries((records.at(-1)?.figures ?? []).map(({ id, verdict }) => [id, verdict]));
}
