/** @file A full training step on the WebGPU provider, on a Vulkan driver in software, against the CPU. */
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { planAdapter } from '../../../kernels/adapters/plan';
import { adapterMethods } from '../../../kernels/adapters/registry';
import { openBaseModel } from '../../../kernels/models/baseModel';
import type { Device } from '../../../kernels/runtime/types';
import { AdamW, clipFactor, globalNorm } from '../../../kernels/trainer/adamw';
import { Parameters } from '../../../kernels/trainer/parameters';
import type { MicroBatch } from '../../../kernels/trainer/runner';
import { ModelRunner } from '../../../kernels/trainer/runner';
import { withDefaults } from '../../../kernels/util/fields';
import { useSoftwareVulkan } from '../../support/webgpu';

/** BitFit needs biases. */
const baseOf = (method: string): string =>
  path.resolve(__dirname, '../../golden/bases', method === 'bitfit' ? 'llama-headdim-bias' : 'llama-tied');
const STEPS = 3;
const LENGTH = 12;

const isAvailable = useSoftwareVulkan();

/** The provider forgets its compiled shaders with its last session, and on this driver to compile them is nearly all of the time. */
let first: ModelRunner | undefined;
afterAll(() => first?.dispose());

describe.skipIf(!isAvailable)('training on WebGPU', () => {
  it.each(adapterMethods.map((m) => [m.id] as const))(
    '%s has the losses, gradients and parameters of the CPU over three steps with dropout',
    async (id) => {
      const [cpu, gpu] = [await trainOn('cpu', id), await trainOn('webgpu', id)];
      gpu.losses.forEach((loss, i) => expect(Math.abs(loss - (cpu.losses[i] ?? NaN))).toBeLessThan(2e-5));
      expect(worstDifference(gpu.firstGradient, cpu.firstGradient)).toBeLessThan(1e-5 * largest(cpu.firstGradient));
      // Adam divides rounding noise by rounding noise where a gradient is tiny: a share of the three updates at most.
      expect(worstDifference(gpu.trained, cpu.trained)).toBeLessThan(STEPS * 1e-3 * 0.05);
      expect(cpu.losses[STEPS - 1]).toBeLessThan(cpu.losses[0] ?? NaN);
    },
    180_000,
  );
});

interface Result {
  readonly losses: readonly number[];
  readonly firstGradient: Float32Array;
  readonly trained: Float32Array;
}

async function trainOn(device: Device, methodId: string): Promise<Result> {
  const method = adapterMethods.find((m) => m.id === methodId) ?? adapterMethods[0]!;
  const model = openBaseModel(baseOf(method.id));
  const config = withDefaults(method.config, { r: 4, target_modules: ['q_proj', 'down_proj'], lora_dropout: 0.1 });
  const plan = planAdapter(method, config, model);
  const parameters = new Parameters(plan).initialise(model, 7);
  const runner = new ModelRunner(model, plan, parameters, { device, threads: 2 });
  const optimiser = new AdamW(plan.trainedSize, { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 });
  const batch = batchOf(model.config.vocabularySize);
  const losses: number[] = [];
  let firstGradient = new Float32Array();
  for (let step = 1; step <= STEPS; step++) {
    const gradient = new Float32Array(plan.trainedSize);
    losses.push(await runner.step({ batch, rowWeight: 1 / batch.rows.length, dropoutSeed: step }, gradient));
    if (step === 1) firstGradient = gradient.slice();
    const ranges = [{ from: 0, to: plan.trainedSize, learningRate: 1e-3, weightDecay: 0.01 }];
    optimiser.update(parameters.trained, gradient, ranges, clipFactor(globalNorm(gradient), 1));
  }
  if (device === 'webgpu' && first === undefined) first = runner;
  else await runner.dispose();
  model.checkpoint.close();
  return { losses, firstGradient, trained: parameters.trained.slice() };
}

/** Two sequences, loss on the second half of each. */
function batchOf(vocabulary: number): MicroBatch {
  const inputIds = Int32Array.from({ length: 2 * LENGTH }, (_, i) => (i * 131 + 7) % vocabulary);
  const rows = Int32Array.from([0, 1].flatMap((b) => [6, 7, 8, 9, 10].map((i) => b * LENGTH + i)));
  return { batch: 2, length: LENGTH, inputIds, rows, labels: rows.map((r) => inputIds[r + 1] ?? 0) };
}

const largest = (values: Float32Array): number => values.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
const worstDifference = (a: Float32Array, b: Float32Array): number =>
  a.reduce((m, v, i) => Math.max(m, Math.abs(v - (b[i] ?? NaN))), 0);
