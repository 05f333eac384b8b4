/** @file A run folder: its description, its state, every record, every checkpoint as a resume would load it, the final adapter. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import * as l10n from '@vscode/l10n';
import type { AdapterPlan } from '../adapters/plan';
import { adapterMethods } from '../adapters/registry';
import { frozenConfig } from '../config/frozenConfig';
import { RepeatedFaults } from '../data/repeatedFaults';
import { openSafetensors } from '../formats/safetensors';
import type { BaseModel } from '../models/baseModel';
import { openBaseModel } from '../models/baseModel';
import type { Problem } from '../protocol/errors';
import type { RunInfo, RunState } from '../protocol/types';
import { INFO_FILE, readRunInfo, readRunState, STATE_FILE } from '../runs/runDescription';
import { effectiveStatus, isLive } from '../runs/runFolder';
import type { RecordFileName } from '../runs/runRecords';
import { recordFileNames, scanRecords } from '../runs/runRecords';
import { AdamW } from '../trainer/adamw';
import { loadCheckpoint, MOMENTS_FILE } from '../trainer/checkpointState';
import { Parameters } from '../trainer/parameters';
import { planFor } from '../trainer/prepare';
import { readTrainerState } from '../trainer/trainerState';
import { checkAdapterOf } from './checkAdapter';
import { missingRecords } from './expectedRecords';
import type { CheckContext } from './types';
import { reporting } from './types';

/** Whether a folder is meant as a run: it has its description, or what only a run leaves. */
export const looksLikeRun = (dir: string): boolean =>
  [INFO_FILE, STATE_FILE].some((name) => existsSync(path.join(dir, name))) && existsSync(path.join(dir, 'checkpoints'));

/** What is known of the run whose parts are checked. */
interface KnownRun {
  readonly dir: string;
  readonly context: CheckContext;
  readonly info: RunInfo | undefined;
  readonly state: RunState | undefined;
  /** Its process writes while we read: what is unfinished is no fault. */
  readonly isLive: boolean;
}

export async function checkRun(dir: string, context: CheckContext): Promise<void> {
  const info = await reporting(context, dir, () => readRunInfo(dir));
  const state = await reporting(context, dir, () => readRunState(dir));
  const run: KnownRun = { dir, context, info, state, isLive: state !== undefined && isLive(effectiveStatus(state)) };
  if (info && state) checkState(run, info, state);
  for (const name of recordFileNames) await reporting(context, path.join(dir, name), () => checkRecords(run, name));
  if (info && state) {
    const missing = await reporting(context, dir, () => missingRecords(dir, info, state));
    missing?.forEach((problem) => context.report(problem));
  }
  const model = info && (await openBaseOf(run, info));
  try {
    const plan = info && model && (await planOf(run, info, model));
    for (const name of namesIn(path.join(dir, 'checkpoints'))) await checkEntry(run, name, model, plan);
    await checkFinalAdapter(run, model);
  } finally {
    model?.checkpoint.close();
  }
}

function checkState(run: KnownRun, info: RunInfo, state: RunState): void {
  const at = { file: path.join(run.dir, STATE_FILE) };
  const report = (where: string, found: string, expected: string, severity: Problem['severity'] = 'error'): void =>
    run.context.report({ ...at, where, severity, found, expected });
  if (state.total_steps !== info.total_steps) {
    report(
      'total_steps',
      l10n.t('is {0}', state.total_steps),
      l10n.t('expected {0}, as run.json says', info.total_steps),
    );
  }
  if (state.step > info.total_steps) {
    report('step', l10n.t('is {0}', state.step), l10n.t('expected at most {0}, the last step', info.total_steps));
  }
  const status = effectiveStatus(state);
  if (status === state.status) return;
  const expected = l10n.t('its process is gone; resume the run to go on from its last checkpoint');
  report('status', l10n.t('is {0}', state.status), expected, 'warning');
}

/** Lines that cannot be used, steps out of order, and records that are missing before, between or after others. */
function checkRecords(run: KnownRun, name: RecordFileName): void {
  const { dir, context, info, state } = run;
  const file = path.join(dir, name);
  const faults = new RepeatedFaults(file, (problem) => context.report(problem));
  const isMetrics = name === 'metrics.jsonl';
  let lastStep = 0;
  for (const { line, record, problem } of scanRecords(dir, name)) {
    if (problem) faults.add(problem);
    else if (!record) {
      if (run.isLive) continue;
      const found = l10n.t('half a line at the end of the file');
      const expected = l10n.t('its process ended while writing it; a resume removes it');
      faults.add({ file, line, severity: 'warning', found, expected });
    } else if (info && record.step > info.total_steps) {
      const found = l10n.t('step {0}', record.step);
      const expected = l10n.t('expected at most {0}, the last step', info.total_steps);
      faults.add({ file, line, where: 'step', severity: 'error', found, expected });
    } else if (isMetrics && record['kind'] === 'train') {
      if (record.step !== lastStep + 1) {
        const found = l10n.t('step {0} follows step {1}', record.step, lastStep);
        const expected = l10n.t('the records of the steps between are missing');
        faults.add({ file, line, where: 'step', severity: 'warning', found, expected });
      }
      lastStep = record.step;
    }
  }
  faults.finish();
  if (!isMetrics || !state || run.isLive || lastStep >= state.step) return;
  const found = lastStep === 0 ? l10n.t('holds no step') : l10n.t('ends with step {0}', lastStep);
  const expected = l10n.t('expected the records up to step {0}, where the run is as {1} says', state.step, STATE_FILE);
  context.report({ file, severity: 'warning', found, expected });
}

/** The base model of the run, or the one that is given for it. */
async function openBaseOf({ dir, context }: KnownRun, info: RunInfo): Promise<BaseModel | undefined> {
  const file = path.join(dir, INFO_FILE);
  const config = await reporting(context, file, () => frozenConfig(info.config, file, adapterMethods));
  if (!config) return undefined;
  const base = context.base ?? config.model;
  if (!existsSync(base)) {
    const found = l10n.t('is {0}, which is not on disk', base);
    const expected = l10n.t('give it with --base DIR; whether the checkpoints fit was not checked');
    context.report({ file, where: 'config.model', severity: 'warning', found, expected });
    return undefined;
  }
  return reporting(context, base, () => openBaseModel(base));
}

/** The adapter as the run planned it; a base that has changed since is named, since no resume would take it. */
async function planOf(run: KnownRun, info: RunInfo, model: BaseModel): Promise<AdapterPlan | undefined> {
  const { context, state } = run;
  const file = path.join(run.dir, INFO_FILE);
  const before = info.digests['base'];
  if (before !== undefined && before !== model.checkpoint.sampledDigest()) {
    const severity = state?.status === 'finished' ? 'warning' : 'error';
    const found = l10n.t('the base model {0} changed since the run was started', model.dir);
    const expected = l10n.t('expected the same files, without which the run cannot be resumed');
    context.report({ file, where: 'digests.base', severity, found, expected });
  }
  return reporting(context, file, () => planFor(frozenConfig(info.config, file, adapterMethods), model, file));
}

/** One thing in the folder of checkpoints. */
async function checkEntry(
  run: KnownRun,
  name: string,
  model: BaseModel | undefined,
  plan: AdapterPlan | undefined,
): Promise<void> {
  const { context } = run;
  const dir = path.join(run.dir, 'checkpoints', name);
  const odd = (found: string, expected: string): void =>
    context.report({ file: dir, severity: 'warning', found, expected });
  if (/^step-\d{6,}$/.test(name)) await checkRunCheckpoint(dir, context, model, plan);
  else if (/^step-\d+\.damaged(-\d+)?$/.test(name)) {
    odd(l10n.t('a damaged checkpoint that a resume set aside'), l10n.t('it is not read any more and can be deleted'));
  } else if (!name.endsWith('.tmp')) {
    odd(l10n.t('this is no checkpoint'), l10n.t('expected folders named step- and six digits; this one is not read'));
  } else if (!run.isLive) {
    odd(l10n.t('a checkpoint that was not written to its end'), l10n.t('a resume removes it'));
  }
}

/** A checkpoint of a run: an adapter, the moments of the optimiser and the trainer's counters, as a resume reads them. */
async function checkRunCheckpoint(
  dir: string,
  context: CheckContext,
  model: BaseModel | undefined,
  plan: AdapterPlan | undefined,
): Promise<void> {
  if (!statSync(dir).isDirectory()) {
    const found = l10n.t('this is no folder');
    context.report({ file: dir, severity: 'error', found, expected: l10n.t('expected a checkpoint of the run') });
    return;
  }
  await checkAdapterOf(dir, model, context);
  if (!plan) {
    await checkTrainerFiles(dir, context);
    return;
  }
  await reporting(context, dir, () =>
    loadCheckpoint(dir, new Parameters(plan), new AdamW(plan.trainedSize, { beta1: 0, beta2: 0, epsilon: 1 })),
  );
}

/** What a checkpoint of a run holds beside its adapter, without the plan that says which tensors these are. */
export async function checkTrainerFiles(dir: string, context: CheckContext): Promise<void> {
  await reporting(context, dir, () => readTrainerState(dir));
  // Its values are read with those of the adapter.
  await reporting(context, dir, () => openSafetensors(path.join(dir, MOMENTS_FILE)).close());
}

/** Whether a folder is one of a run's checkpoints. */
export const isRunCheckpoint = (dir: string): boolean => {
  const folder = path.dirname(path.resolve(dir));
  return path.basename(folder) === 'checkpoints' && looksLikeRun(path.dirname(folder));
};

async function checkFinalAdapter({ dir, state, context }: KnownRun, model: BaseModel | undefined): Promise<void> {
  const adapter = path.join(dir, 'adapter');
  if (existsSync(adapter)) {
    await checkAdapterOf(adapter, model, context);
  } else if (state?.status === 'finished') {
    const expected = l10n.t('expected the adapter of a run that has finished');
    context.report({ file: adapter, severity: 'error', found: l10n.t('there is no such folder'), expected });
  }
}

const namesIn = (folder: string): readonly string[] => (existsSync(folder) ? readdirSync(folder).sort() : []);
