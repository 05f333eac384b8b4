/** @file What a run's records look like as CSV. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { metricsCsv } from '../../../extension/runs/csv';

const folder = mkdtempSync(path.join(tmpdir(), 'csv-'));
afterAll(() => rmSync(folder, { recursive: true }));

const TRAIN = {
  ...{ kind: 'train', step: 1, time: 5, epoch: 0.5, tokens: 7, loss: 2, learning_rate: { default: 0.1 } },
  ...{ grad_norm: 3, step_seconds: 4, rss: 6 },
};

async function csvOf(records: readonly object[]): Promise<string[]> {
  writeFileSync(path.join(folder, 'metrics.jsonl'), records.map((r) => `${JSON.stringify(r)}\n`).join(''));
  return (await metricsCsv(folder)).trimEnd().split('\n');
}

test('metrics of evaluations are columns behind the others, empty where there are none', async () => {
  const evaluation = { kind: 'eval', step: 1, time: 6, loss: 1, tokens: 9 };
  const lines = await csvOf([{ ...evaluation, metrics: { accuracy: 0.5, f1: null } }, TRAIN, evaluation]);
  expect(lines).toEqual([
    'kind,step,time,epoch,tokens,loss,learning_rate.default,grad_norm,step_seconds,rss,accuracy,f1',
    'eval,1,6,,9,1,,,,,0.5,',
    'train,1,5,0.5,7,2,0.1,3,4,6,,',
    'eval,1,6,,9,1,,,,,,',
  ]);
});

test('a run without metrics has no columns for them', async () => {
  expect(await csvOf([TRAIN])).toEqual([
    'kind,step,time,epoch,tokens,loss,learning_rate.default,grad_norm,step_seconds,rss',
    'train,1,5,0.5,7,2,0.1,3,4,6',
  ]);
});
