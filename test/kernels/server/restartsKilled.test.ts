/** @file A run with restarts whose process is killed goes on exactly, in a new process and in the cycle it was in. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import type { MetricRecord, RestartRecord } from '../../../kernels/protocol/types';
import { useEngine } from '../../support/engine';
import { readRecords, trainingFixture } from '../../support/trainingFixture';

const engine = useEngine();
const fixture = trainingFixture();
const run = (name: string): string => path.join(fixture.folder, 'runs', name);
const config = fixture.config('restarts', {
  training: { max_steps: 24, eval_steps: 8, save_steps: 3, lr_scheduler_type: 'cosine_restarts', warmup_steps: 1 },
  relora: { every: 5, restart_warmup_steps: 1 },
});

const losses = (dir: string): object[] =>
  readRecords<MetricRecord>(path.join(dir, 'metrics.jsonl')).map(({ kind, step, loss }) => ({ kind, step, loss }));
const timeless = (dir: string): object[] =>
  readRecords<RestartRecord>(path.join(dir, 'restarts.jsonl')).map((record) => ({ ...record, time: 0 }));

test('killed in the second and in the fourth cycle, it ends with the same losses, restarts and adapter', async () => {
  const [whole, killed] = [run('whole'), run('killed')];
  expect((await engine.run('train', config, '--run', whole)).status).toBe(0);
  let next = ['train', config, '--run', killed];
  for (const step of [8, 18]) {
    const started = engine.start([...next, '--json']);
    await started.until((out) => out.includes(`"step":${step},`));
    started.child.kill('SIGKILL');
    expect((await started.finished).signal).toBe('SIGKILL');
    next = ['resume', killed];
  }
  // What a killed process leaves of the merged weights is in nobody's way.
  expect((await engine.run(...next)).status).toBe(0);
  expect(existsSync(path.join(killed, 'cycles'))).toBe(false);
  expect(losses(killed)).toEqual(losses(whole));
  expect(timeless(killed)).toEqual(timeless(whole));
  const adapter = (dir: string): Buffer => readFileSync(path.join(dir, 'adapter', 'adapter_model.safetensors'));
  expect(adapter(killed).equals(adapter(whole))).toBe(true);
});
