/** @file Trains every weight of a checkpoint on text, with the engine's own graph of a training step. */
import { full } from '../../../kernels/adapters/methods/full';
import { planAdapter } from '../../../kernels/adapters/plan';
import type { BaseModel } from '../../../kernels/models/baseModel';
import { physicalCores } from '../../../kernels/runtime/devices';
import { AdamW, clipFactor, globalNorm } from '../../../kernels/trainer/adamw';
import { Parameters } from '../../../kernels/trainer/parameters';
import type { MicroBatch } from '../../../kernels/trainer/runner';
import { ModelRunner } from '../../../kernels/trainer/runner';
import { scheduleFactor } from '../../../kernels/trainer/schedule';
import type { Weights } from './checkpointFiles';
import { RECIPE } from './recipe';

/** One AdamW step a batch; the learning rate rises, then falls to 0 along half a cosine. `onStep` gets the loss before the step. */
export async function pretrain(
  model: BaseModel,
  batches: Iterable<MicroBatch>,
  { steps, threads }: { readonly steps: number; readonly threads: number },
  onStep: (step: number, loss: number, norm: number) => void,
): Promise<Weights> {
  const plan = planAdapter(full, {}, model);
  const parameters = new Parameters(plan).initialise(model, 0);
  const runner = new ModelRunner(model, plan, parameters, { device: 'cpu', threads });
  const optimiser = new AdamW(plan.trainedSize, RECIPE);
  const gradient = new Float32Array(plan.trainedSize);
  try {
    let step = 0;
    for (const batch of batches) {
      gradient.fill(0);
      const loss = await runner.step({ batch, rowWeight: 1 / batch.rows.length, dropoutSeed: 0 }, gradient);
      const norm = globalNorm(gradient);
      if (!Number.isFinite(norm)) throw new Error(`step ${step}: the loss is ${loss}, its gradient's norm ${norm}`);
      const learningRate =
        RECIPE.learningRate *
        scheduleFactor({ type: 'cosine', warmupSteps: RECIPE.warmupSteps, totalSteps: steps }, step);
      const ranges = plan.trained.map(({ offset, size, decays }) => ({
        from: offset,
        to: offset + size,
        learningRate,
        weightDecay: decays ? RECIPE.weightDecay : 0,
      }));
      optimiser.update(parameters.trained, gradient, ranges, clipFactor(norm, RECIPE.maxGradNorm));
      step++;
      onStep(step, loss, norm);
    }
    return new Map(plan.trained.map(({ key, shape }) => [key, { shape, values: parameters.get(key) }]));
  } finally {
    await runner.dispose();
  }
}

/** Mean negative log likelihood of a token, in nats, of the checkpoint as it lies on disk. */
export async function heldOutLoss(model: BaseModel, batches: Iterable<MicroBatch>): Promise<number> {
  const runner = new ModelRunner(model, null, null, { device: 'cpu', threads: physicalCores() });
  try {
    let [sum, tokens] = [0, 0];
    for (const batch of batches) {
      sum += await runner.loss(batch);
      tokens += batch.rows.length;
    }
    return sum / tokens;
  } finally {
    await runner.dispose();
  }
}
