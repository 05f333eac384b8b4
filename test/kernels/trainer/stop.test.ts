/** @file A stop at every place where a run looks for one: between steps, inside a step, inside an evaluation. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import type { MetricRecord, RunEvent } from '../../../kernels/protocol/types';
import { RunFolder } from '../../../kernels/runs/runFolder';
import { readConfig } from '../../../kernels/check/checkConfig';
import { prepareRun } from '../../../kernels/trainer/prepare';
import type { TrainListener, TrainOutcome } from '../../../kernels/trainer/trainer';
import { train } from '../../../kernels/trainer/trainer';
import { readRecords, trainingFixture } from '../../support/trainingFixture';

const fixture = trainingFixture();
process.env['ADAPTER_STUDIO_CACHE'] = path.join(fixture.folder, 'cache');
const file = fixture.config('stop', { training: { max_steps: 6, eval_steps: 2, save_steps: 4 } });

/** Trains in this process; `when` is given the way to stop the run. */
async function go(name: string, isResumed: boolean, when?: (stop: () => void) => TrainListener): Promise<TrainOutcome> {
  const dir = path.join(fixture.folder, name);
  const prepared = await prepareRun(file, readConfig(file));
  const run = isResumed ? RunFolder.open(dir) : RunFolder.create(dir, prepared.info);
  const stopping = new AbortController();
  const listener = when?.(() => stopping.abort());
  try {
    return await train(run, prepared, { isResumed, signal: stopping.signal, ...(listener && { listener }) });
  } finally {
    prepared.close();
  }
}

const metrics = (name: string): object[] =>
  readRecords<MetricRecord>(path.join(fixture.folder, name, 'metrics.jsonl')).map((record) => {
    const { kind, step, loss, tokens } = record;
    return { kind, step, loss, tokens };
  });
const events = (name: string): string[] =>
  readRecords<RunEvent>(path.join(fixture.folder, name, 'events.jsonl')).map(({ event, step }) => `${event} ${step}`);
const bytes = (name: string, ...parts: readonly string[]): Buffer =>
  readFileSync(path.join(fixture.folder, name, ...parts));

const WHOLE = 'whole';
beforeAll(async () => {
  expect(await go(WHOLE, false)).toEqual({ status: 'finished', step: 6 });
});

function expectWhole(name: string): void {
  expect(metrics(name)).toEqual(metrics(WHOLE));
  expect(bytes(name, 'spectra.jsonl').equals(bytes(WHOLE, 'spectra.jsonl'))).toBe(true);
  const adapter = ['adapter', 'adapter_model.safetensors'];
  expect(bytes(name, ...adapter).equals(bytes(WHOLE, ...adapter))).toBe(true);
}

test('before the first step: there is no checkpoint, and the resume begins again', async () => {
  const outcome = await go('first', false, (stop) => ({ onEvent: ({ event }) => event === 'started' && stop() }));
  expect(outcome).toEqual({ status: 'stopped', step: 0 });
  expect(events('first')).toEqual(['started 0', 'stopped 0']);
  expect(await go('first', true)).toEqual({ status: 'finished', step: 6 });
  expectWhole('first');
});

test.each([1, 3, 5])('after step %i: a checkpoint of that step', async (at) => {
  const name = `after-${at}`;
  const outcome = await go(name, false, (stop) => ({ onTrain: ({ step }) => step === at && stop() }));
  expect(outcome).toEqual({ status: 'stopped', step: at });
  expect(events(name).slice(-2)).toEqual([`checkpoint ${at}`, `stopped ${at}`]);
  expect(await go(name, true)).toEqual({ status: 'finished', step: 6 });
  expectWhole(name);
});

test.each([2, 4])('in the evaluation of step %i: it is left, and done by the resume', async (at) => {
  const name = `evaluating-${at}`;
  // The record of the step comes right before its evaluation.
  const outcome = await go(name, false, (stop) => ({ onTrain: ({ step }) => step === at && stop() }));
  expect(outcome).toEqual({ status: 'stopped', step: at });
  expect(metrics(name).at(-1)).toMatchObject({ kind: 'train', step: at });
  expect(events(name).slice(-2)).toEqual([`checkpoint ${at}`, `stopped ${at}`]);
  expect(await go(name, true)).toEqual({ status: 'finished', step: 6 });
  expectWhole(name);
});

test('after the evaluation of the last step: the run is finished, not stopped', async () => {
  const outcome = await go('last', false, (stop) => ({ onEval: ({ step }) => step === 6 && stop() }));
  expect(outcome).toEqual({ status: 'finished', step: 6 });
  expectWhole('last');
});

test('in the evaluation of the last step: stopped, and the resume evaluates and finishes', async () => {
  const outcome = await go('ending', false, (stop) => ({ onTrain: ({ step }) => step === 6 && stop() }));
  expect(outcome).toEqual({ status: 'stopped', step: 6 });
  expect(await go('ending', true)).toEqual({ status: 'finished', step: 6 });
  expectWhole('ending');
});

test('at every step, resumed each time', async () => {
  let outcome = await go('often', false, (stop) => ({ onTrain: stop }));
  for (let i = 0; outcome.status === 'stopped' && i < 20; i++) {
    outcome = await go('often', true, (stop) => ({ onTrain: stop }));
  }
  expect(outcome).toEqual({ status: 'finished', step: 6 });
  expectWhole('often');
});
