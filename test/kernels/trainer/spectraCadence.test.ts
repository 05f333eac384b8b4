/** @file How often spectra and activity are recorded: a small share of the training, the same for a resumed run. */
import path from 'node:path';
import { expect, test } from 'vitest';
import { readConfig } from '../../../kernels/check/checkConfig';
import { prepareRun } from '../../../kernels/trainer/prepare';
import { RunSpectra } from '../../../kernels/trainer/spectra';
import { affordablePoints, type TrainingSize } from '../../../kernels/trainer/spectraCadence';
import { trainingFixture } from '../../support/trainingFixture';

const fixture = trainingFixture();
process.env['ADAPTER_STUDIO_CACHE'] = path.join(fixture.folder, 'cache');

const sites = [{ inFeatures: 1000, outFeatures: 1000 }] as never;
const model = { sites };
/** Steps of 2 · 10⁹ multiply-adds: samples are cut after 100 tokens. */
const runOf = (totalSteps: number): TrainingSize =>
  ({
    totalSteps,
    data: { train: { tokenLengths: Int32Array.of(100, 400) } },
    config: {
      data: { max_length: 100 },
      training: { per_device_train_batch_size: 5, gradient_accumulation_steps: 2 },
    },
  }) as unknown as TrainingSize;

test('cheap spectra have all points, however short the run', () => {
  expect(affordablePoints(2e7, 60, runOf(1), model)).toBe(60);
});

test('costly spectra take about 5 % of the training, and have two points at least', () => {
  const [work, hostCost] = [1e8, 150];
  expect(affordablePoints(work, 60, runOf(10), model)).toBe(2);
  expect(affordablePoints(work, 60, runOf(1500), model)).toBe(10);
  expect((10 * work * hostCost) / (1500 * 2e9)).toBeCloseTo(0.05, 6);
  expect(affordablePoints(work, 60, runOf(1e6), model)).toBe(60);
});

test('the points of a run depend on its configuration, not on the values that it has reached', async () => {
  const file = fixture.config('points', {
    adapter: { method: 'vera', r: 300, lora_alpha: undefined, lora_dropout: undefined },
  });
  const run = await prepareRun(file, readConfig(file));
  try {
    const { points } = new RunSpectra(run);
    expect(points).toBeLessThan(60);
    run.parameters.trained.fill(0.5);
    expect(new RunSpectra(run).points).toBe(points);
  } finally {
    run.close();
  }
});
