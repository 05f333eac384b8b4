/** @file `adapter-studio estimate` as its users run it. */
import { describe, expect, test } from 'vitest';
import type { EstimateReport } from '../../../kernels/protocol/calls/estimate';
import { useEngine } from '../../support/engine';
import { TRAIN_SAMPLES, trainingFixture } from '../../support/trainingFixture';

const engine = useEngine();
const fixture = trainingFixture();
const config = fixture.config('sample');
const report = async (...args: string[]): Promise<EstimateReport> => reportOf(config, ...args);
const reportOf = async (file: string, ...args: string[]): Promise<EstimateReport> => {
  const finished = await engine.run('estimate', file, ...args, '--json');
  expect(finished).toMatchObject({ status: 0, stderr: '' });
  expect(finished.records()).toHaveLength(1);
  return finished.records()[0] as unknown as EstimateReport;
};

describe('an estimate', () => {
  test('without a measurement says what is known and that time is not', async () => {
    const estimate = await report('--no-measure');
    expect(estimate).toMatchObject({
      config,
      device: { device: 'cpu', threads: 1, reason: 'as configured' },
      parameters: { base: 12_944 },
      verdict: 'fits',
      advice: [],
      data: {
        format: 'prompt-completion',
        samples: TRAIN_SAMPLES,
        evaluationSamples: 6,
        totalSteps: 24,
        stepsPerEpoch: 7,
      },
      unknown: process.platform === 'linux' ? ['time'] : ['time', 'system'],
    });
    expect(estimate.measurement).toBeUndefined();
    expect(estimate.data.longest.file).toBe(fixture.trainFile);
  });

  test('with a measurement has seconds of each step and of the run, and the peak of its process', async () => {
    const prompted = fixture.config('prompted', { samples: { prompts: ['abc'], max_new_tokens: 4 } });
    const { measurement, unknown } = await reportOf(prompted, '--set', 'training.max_steps=6');
    expect(measurement?.eta.samples).toBeGreaterThan(0);
    expect(unknown).not.toContain('time');
    expect(measurement?.shapes.map((s) => s.kind)).toContain('evaluation');
    expect(measurement?.secondsPerStep).toBeGreaterThan(0);
    const { seconds, training } = measurement!.eta;
    expect(training).toBeCloseTo(6 * measurement!.secondsPerStep, 6);
    expect(seconds).toBeGreaterThan(training);
    if (process.platform === 'linux') expect(measurement?.peakBytes).toBeGreaterThan(50e6);
  });

  test('as text begins with whether it fits', async () => {
    const { status, stdout } = await engine.run('estimate', config, '--no-measure');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^fits: needs \d+ MB, .* are free/);
    expect(stdout).toMatch(/optimiser state +\d/);
    expect(stdout).toContain('not known:\n  seconds and tokens per second: nothing was measured');
  });

  test('of a configuration that cannot be run is refused like the run', async () => {
    const { status, stderr } = await engine.run(
      'estimate',
      config,
      '--set',
      'adapter.target_modules=q_porj',
      '--no-measure',
    );
    expect(status).toBe(2);
    expect(stderr).toContain('adapter.target_modules: matches none of the 14 linear layers');
  });

  test('of a rank that no one can mean names the line of the key', async () => {
    const absurd = fixture.config('absurd', { adapter: { r: 1e9 } });
    for (const command of ['check', 'estimate', 'train']) {
      const { status, stdout, stderr } = await engine.run(command, absurd);
      expect(status).toBe(2);
      expect(stdout + stderr).toMatch(/absurd\.adapter\.yaml:\d+: adapter\.r: 1,000,000,000 makes an adapter of /);
    }
  });
});
