/** @file Checkpoints are whole or absent, also when the one of the same step is there already. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { AdamW } from '../../../kernels/trainer/adamw';
import { loadCheckpoint, saveCheckpoint, saveFinalAdapter } from '../../../kernels/trainer/checkpointState';
import type { PreparedRun } from '../../../kernels/trainer/prepare';
import { readConfig } from '../../../kernels/check/checkConfig';
import { prepareRun } from '../../../kernels/trainer/prepare';
import type { TrainerState } from '../../../kernels/trainer/trainerState';
import { trainingFixture } from '../../support/trainingFixture';

const fixture = trainingFixture();
process.env['ADAPTER_STUDIO_CACHE'] = path.join(fixture.folder, 'cache');
const dir = path.join(fixture.folder, 'checkpoints', 'step-000007');
const state: TrainerState = {
  version: 1,
  step: 7,
  completed: 6,
  tokens: 100,
  optimiserStep: 7,
  best: null,
  evaluationsWithoutGain: 0,
};

let prepared: PreparedRun;
let optimiser: AdamW;
beforeAll(async () => {
  const config = fixture.config('saved');
  prepared = await prepareRun(config, readConfig(config));
  optimiser = new AdamW(prepared.plan.trainedSize, { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 });
  optimiser.firstMoment.fill(0.25);
  optimiser.step = 7;
  saveCheckpoint(dir, prepared.parameters, optimiser, state, prepared.saveOptions);
  return () => prepared.close();
});

const identity = (name: string): string => {
  const { ino, mtimeMs } = statSync(path.join(dir, name));
  return `${ino} ${mtimeMs}`;
};

test('saved again after its evaluation, only the counters are replaced: the tensors are never away', () => {
  const files = ['adapter_model.safetensors', 'optimizer.safetensors', 'adapter_config.json'];
  const before = files.map(identity);
  const after: TrainerState = { ...state, completed: 7, best: { step: 7, loss: 1.5 } };
  saveCheckpoint(dir, prepared.parameters, optimiser, after, prepared.saveOptions);
  expect(files.map(identity)).toEqual(before);
  expect(loadCheckpoint(dir, prepared.parameters, optimiser)).toEqual(after);
  expect(optimiser.firstMoment.every((value) => value === 0.25)).toBe(true);
  expect(readdirSync(path.dirname(dir))).toEqual(['step-000007']);
});

test('saved again with other tensors, the whole checkpoint is replaced', () => {
  const { trained } = prepared.parameters;
  trained[3] = 0.125;
  saveCheckpoint(dir, prepared.parameters, optimiser, state, prepared.saveOptions);
  trained[3] = 0;
  expect(loadCheckpoint(dir, prepared.parameters, optimiser)).toEqual(state);
  expect(trained[3]).toBe(0.125);
  expect(readdirSync(path.dirname(dir))).toEqual(['step-000007']);
});

test('the final adapter appears as a whole, and is written over by the run that could not say that it had ended', () => {
  const adapter = path.join(fixture.folder, 'adapter');
  for (let i = 0; i < 2; i++) {
    saveFinalAdapter(adapter, prepared.plan, prepared.parameters, prepared.saveOptions);
    expect(readdirSync(adapter).sort()).toEqual(['adapter_config.json', 'adapter_model.safetensors']);
  }
  const name = 'adapter_model.safetensors';
  expect(readFileSync(path.join(adapter, name)).equals(readFileSync(path.join(dir, name)))).toBe(true);
});
