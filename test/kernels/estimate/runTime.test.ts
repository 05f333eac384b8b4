/** @file Time of a run from a few timed shapes. */
import { describe, expect, it } from 'vitest';
import { shapesToTime } from '../../../kernels/estimate/stepTiming';
import { runTime } from '../../../kernels/estimate/runTime';
import type { ShapeUse } from '../../../kernels/protocol/calls/estimate';

const shape = (kind: ShapeUse['kind'], length: number, batches: number): ShapeUse => ({
  kind,
  batch: 2,
  length,
  rows: length,
  batches,
});
const timed = (use: ShapeUse, seconds: number) => ({ ...use, seconds, compileSeconds: 2 });

const work = {
  totalSteps: 40,
  tokensPerStep: 300,
  compilations: 3,
  checkpoints: 2,
  spectra: 5,
  samplings: 2,
};
const fixed = { updateSeconds: 0.1, checkpointSeconds: 1.5, spectraSeconds: 0.2, samplesSeconds: 4 };

describe('the time of a run', () => {
  const small = shape('train', 64, 20);
  const middle = shape('train', 96, 10);
  const large = shape('train', 128, 10);
  const evaluation = shape('evaluation', 64, 30);
  const measured = runTime(
    { ...work, shapes: [small, middle, large, evaluation] },
    { ...fixed, shapes: [timed(small, 1), timed(large, 3), timed(evaluation, 0.5)] },
  );

  it('takes what was not timed from the line between what was', () => {
    expect(measured.eta.training).toBeCloseTo(20 * 1 + 10 * 2 + 10 * 3 + 40 * 0.1);
    expect(measured.secondsPerStep).toBeCloseTo(measured.eta.training / 40);
    expect(measured.tokensPerSecond).toBeCloseTo(300 / measured.secondsPerStep);
  });

  it('adds evaluations, compilations, checkpoints and spectra', () => {
    expect(measured.eta.evaluation).toBeCloseTo(15);
    expect(measured.eta.samples).toBeCloseTo(8);
    expect(measured.eta.compiling).toBeCloseTo(6);
    expect(measured.eta.checkpoints).toBeCloseTo(2 * 1.5 + 5 * 0.2);
    const { training, evaluation: evaluating, samples, compiling, checkpoints, seconds } = measured.eta;
    expect(seconds).toBeCloseTo(training + evaluating + samples + compiling + checkpoints);
  });

  it('is proportional to the tokens where one shape was timed', () => {
    const { eta } = runTime(
      { ...work, shapes: [small, large] },
      { ...fixed, updateSeconds: 0, shapes: [timed(small, 1)] },
    );
    expect(eta.training).toBeCloseTo(20 + 10 * 2);
  });
});

describe('of the shapes', () => {
  it('the one with most work, the largest, and one of the evaluation are timed', () => {
    const shapes = [shape('train', 64, 100), shape('train', 96, 3), shape('train', 128, 1), shape('evaluation', 32, 9)];
    expect(shapesToTime(shapes)).toEqual([shapes[0], shapes[2], shapes[3]]);
  });

  it('one that is both is timed once', () => {
    const only = shape('train', 64, 100);
    expect(shapesToTime([only])).toEqual([only]);
  });
});
