import path from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import type { RunState } from '../../../kernels/protocol/types';
import { RunFolder } from '../../../kernels/runs/runFolder';
import { executeRun, prepareAgain } from '../../../kernels/server/executeRun';
import { readConfig } from '../../../kernels/check/checkConfig';
import { prepareRun } from '../../../kernels/trainer/prepare';
import { trainingFixture } from '../../support/trainingFixture';

const fixture = trainingFixture();

beforeAll(() => {
  process.env.ADAPTER_STUDIO_CACHE = path.join(fixture.folder, 'cache');
});

it('a run that starts says in its state what it prepares, and can be cancelled there', async () => {
  const file = fixture.config('pissa', { adapter: { init_lora_weights: 'pissa', lora_dropout: 0 } });
  const prepared = await prepareRun(file, readConfig(file));
  prepared.close();
  const run = RunFolder.create(path.join(fixture.folder, 'run'), prepared.info);
  const cancelling = new AbortController();
  const told: RunState[] = [];
  const outcome = await executeRun(run, {
    isResumed: false,
    mode: 'beside',
    onRefused: 'fail',
    signal: cancelling.signal,
    prepare: (signal, onProgress) =>
      prepareAgain(run, {
        signal,
        onProgress: (what, fraction) => {
          onProgress(what, fraction);
          told.push(run.state);
          if (what === 'Initialising the adapter') cancelling.abort();
        },
      }),
  });
  expect([...new Set(told.map(({ status, doing }) => `${status}: ${doing?.what ?? ''}`))]).toEqual(
    expect.arrayContaining(['starting: Opening the base model', 'starting: Initialising the adapter']),
  );
  expect(outcome).toEqual({ status: 'stopped', step: 0 });
  expect(run.state.status).toBe('stopped');
  expect(run.state.doing).toBeUndefined();
});
