/** @file Memory of a run: exact where it is arithmetic, and never less for a larger run. */
import { afterAll, describe, expect, it } from 'vitest';
import type { AdapterPlan } from '../../../kernels/adapters/plan';
import { planAdapter } from '../../../kernels/adapters/plan';
import { adapterMethods } from '../../../kernels/adapters/registry';
import { graphMemory } from '../../../kernels/estimate/graphMemory';
import type { RunShape } from '../../../kernels/estimate/runMemory';
import { largestShapes, runMemory } from '../../../kernels/estimate/runMemory';
import { openBaseModel } from '../../../kernels/models/baseModel';
import { PROBED_TOKENS, probeProgram } from '../../../kernels/trainer/activity/layerProbe';
import { buildGraph } from '../../../kernels/trainer/stepGraph';
import type { Fields } from '../../../kernels/util/fields';
import { withDefaults } from '../../../kernels/util/fields';
import { writeTinyModel } from '../../support/tinyModel';

const model = openBaseModel(writeTinyModel());
const half = openBaseModel(writeTinyModel({ dtype: 'BF16' }));
afterAll(() => [model, half].forEach((m) => m.checkpoint.close()));

const planOn = (r: number, id = 'lora', on = model): AdapterPlan => {
  const method = adapterMethods.find((m) => m.id === id)!;
  return planAdapter(method, withDefaults(method.config as Fields, { r, target_modules: 'all-linear' }), on);
};
const train = (batch: number, length: number, held = 1): RunShape => ({
  kind: 'train',
  batch,
  length,
  rows: batch * length,
  held,
});
const memory = (shapes: readonly RunShape[], r = 4, id = 'lora', device: 'cpu' | 'webgpu' = 'cpu') =>
  runMemory({ model, plan: planOn(r, id), config: noRestarts, device, shapes, samples: 100 });
const restarts = { optimizer_reset: 'reset', magnitude_pruning: 0.9, restart_warmup_steps: undefined } as const;
const noRestarts = { relora: { ...restarts, every: undefined, mora_types: undefined } };

describe('the parts', () => {
  it('of the adapter and the optimiser are bytes of float32 values', async () => {
    const perLayer = 4 * (16 + 24 + (16 + 12) + (16 + 12) + (24 + 16) + (16 + 24) + (16 + 24) + (24 + 16));
    const trained = 2 * perLayer;
    expect(planOn(4).trainedSize).toBe(trained);
    const { parts } = await memory([train(1, 16)]);
    expect(parts.adapter).toBe(4 * trained);
    expect(parts.optimiser).toBe(8 * trained);
    expect(parts.gradients).toBe(12 * trained);
    expect(parts.activity).toBe(4 * trained);
  });

  it('of a later cycle are the merged weights in float32 and the adapters that were merged', async () => {
    const shapes = [train(1, 16)];
    const plan = planOn(4, 'lora', half);
    const request = { model: half, plan, device: 'cpu', shapes, samples: 100 } as const;
    const config = { relora: { ...restarts, every: 5, mora_types: undefined } };
    const plain = await runMemory({ ...request, config: noRestarts, totalSteps: 20 });
    const cycles = await runMemory({ ...request, config, totalSteps: 20 });
    expect(cycles.parts.adapter).toBe(4 * plan.trainedSize * (2 + 3)); // the first, the fourth, and three merged ones
    const adapted = plan.layers.reduce((n, { site }) => n + site.inFeatures * site.outFeatures, 0);
    expect(cycles.parts.weights - plain.parts.weights).toBe(2 * adapted); // 4 bytes instead of 2
    expect(cycles.parts.optimiser).toBe(plain.parts.optimiser);
  });

  it('of the weights are those that the graph reads whole, and the rows of the embedding', async () => {
    const all = [...model.checkpoint.tensors.values()].reduce((n, t) => n + t.byteLength, 0);
    const embedding = model.checkpoint.tensors.get('model.embed_tokens.weight')!.byteLength;
    const { parts } = await memory([train(1, 16)]);
    expect(parts.weights).toBe(all - embedding + 16 * 16 * 4);
  });

  it('add up to the peak, and what is mapped twice is not needed', async () => {
    const { parts, peakBytes, neededBytes, droppableBytes } = await memory([train(2, 32, 3), train(1, 16, 3)]);
    expect(Object.values<number>({ ...parts }).reduce((a, b) => a + b, 0)).toBe(peakBytes);
    expect(peakBytes - neededBytes).toBe(parts.mappings);
    const probe = graphMemory(probeProgram(model, planOn(4), new Int32Array(PROBED_TOKENS)), 'cpu');
    expect(parts.mappings).toBe(2 * parts.weights + probe.weightBytes + probe.tableRowBytes);
    expect(droppableBytes).toBe(parts.weights);
  });

  it('of a GPU are told apart', async () => {
    const { parts, deviceBytes } = await memory([train(2, 32)], 4, 'lora', 'webgpu');
    expect([parts.weights, parts.activations]).toEqual([0, 0]);
    expect(deviceBytes).toBeGreaterThan(0);
  });
});

describe('the peak', () => {
  it.each(['lora', 'dora'])('grows with batch, length and rank of %s', async (id) => {
    const at = async (batch: number, length: number, r: number): Promise<number> =>
      (await memory([train(batch, length)], r, id)).peakBytes;
    for (const [batch, length, r] of [
      [1, 16, 2],
      [2, 32, 4],
      [3, 48, 4], // a rank as large as the narrowest layer makes DoRA's graph smaller
    ] as const) {
      const here = await at(batch, length, r);
      expect(await at(batch + 1, length, r)).toBeGreaterThan(here);
      expect(await at(batch, length + 16, r)).toBeGreaterThan(here);
      expect(await at(batch, length, 2 * r)).toBeGreaterThan(here);
    }
  });

  it('of widened weights is in the workspace, and nothing is widened for good', () => {
    const shape = { batch: 1, length: 16, rows: 16 };
    const full = graphMemory(buildGraph({ kind: 'loss', shape, model, plan: planOn(4) }), 'cpu');
    const widened = graphMemory(buildGraph({ kind: 'loss', shape, model: half, plan: planOn(4, 'lora', half) }), 'cpu');
    expect(widened.weightBytes).toBe(full.weightBytes / 2);
    expect(widened.workspaceBytes).toBeGreaterThan(full.workspaceBytes);
    const largestWeight = 37 * 16 * 4;
    expect(widened.workspaceBytes - full.workspaceBytes).toBeLessThan(3 * largestWeight);
  });
});

describe('of many shapes', () => {
  it('only those are planned that no other one covers', () => {
    const evaluation: RunShape = { ...train(2, 64), kind: 'evaluation' };
    const shapes = [train(2, 64), train(2, 48), train(4, 16), evaluation, { ...evaluation, batch: 3 }];
    expect(largestShapes(shapes)).toEqual([train(2, 64), { ...evaluation, batch: 3 }, train(4, 16)]);
  });

  it('equal ones are planned once', () => {
    expect(largestShapes([train(1, 16), train(1, 16)])).toEqual([train(1, 16)]);
  });
});
