/** @file The suite that every adapter method must pass; a method is in it as soon as it is registered. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import type { TensorValues } from '../../../kernels/adapters/adapterFile';
import { loadAdapter, loadInto, saveAdapter } from '../../../kernels/adapters/adapterFile';
import type { AdapterPlan } from '../../../kernels/adapters/plan';
import { planAdapter, SHARED_MODULE } from '../../../kernels/adapters/plan';
import { adapterMethods } from '../../../kernels/adapters/registry';
import type { AnyAdapterMethod } from '../../../kernels/adapters/types';
import { MORA_TYPES } from '../../../kernels/adapters/squareOperators';
import { openSafetensors } from '../../../kernels/formats/safetensors';
import { openBaseModel } from '../../../kernels/models/baseModel';
import { AdamW } from '../../../kernels/trainer/adamw';
import { Parameters } from '../../../kernels/trainer/parameters';
import { KernelError } from '../../../kernels/protocol/errors';
import type { MicroBatch } from '../../../kernels/trainer/runner';
import { ModelRunner } from '../../../kernels/trainer/runner';
import { createRandom } from '../../../kernels/util/random';
import type { Fields } from '../../../kernels/util/fields';
import { withDefaults } from '../../../kernels/util/fields';
import { randomValues, temporaryFolder, writeTinyModel } from '../../support/tinyModel';
import { Layer, relativeDifference } from './layer';

it('every file of methods/ is registered', () => {
  const files = readdirSync(path.join(__dirname, '../../../kernels/adapters/methods'));
  expect(adapterMethods.map((m) => `${m.id}.ts`).sort()).toEqual(files.sort());
});

/** What is tried of the fields that change a layer's formula. */
const VALUES: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  r: fc.integer({ min: 1, max: 6 }),
  lora_alpha: fc.constantFrom(1, 4, 7.5, 16),
  use_rslora: fc.boolean(),
  init_lora_weights: fc.constantFrom(true, 'gaussian', 'orthogonal', 'pissa', 'pissa_niter_4', 'b-random'),
  lora_bias: fc.boolean(),
  norm_gradient: fc.constantFrom('detached', 'full'),
  magnitude_only: fc.constantFrom(undefined, ['q_proj']),
  mora_type: fc.constantFrom(...MORA_TYPES),
  variant: fc.constantFrom('is', 'bs', 'ms'),
  mora_rounding: fc.constantFrom('nearest', 'floor'),
};

const configs = (method: AnyAdapterMethod): fc.Arbitrary<Readonly<Record<string, unknown>>> =>
  fc.record(Object.fromEntries(Object.entries(VALUES).filter(([name]) => name in (method.config as Fields))));

/** Layers of awkward sizes; those that the method refuses are left out. */
const layers = (method: AnyAdapterMethod): fc.Arbitrary<Layer> =>
  fc
    .record({
      method: fc.constant(method),
      config: configs(method),
      inFeatures: fc.integer({ min: 1, max: 9 }),
      outFeatures: fc.integer({ min: 1, max: 9 }),
      tokens: fc.integer({ min: 1, max: 5 }),
      layout: fc.constantFrom('out-in' as const, 'in-out' as const),
      seed: fc.integer({ min: 0, max: 1e6 }),
    })
    .map((test) => {
      try {
        return new Layer(test);
      } catch (error) {
        if (KernelError.is(error, 'adapter/unsupported')) return null;
        throw error;
      }
    })
    .filter((layer) => layer !== null);

const model = openBaseModel(writeTinyModel({ config: { attention_bias: true } }));
afterAll(() => model.checkpoint.close());

describe.each(adapterMethods)('$label', (method) => {
  const hasLayers = planOf(method, {}).layers.length > 0;

  it.runIf(hasLayers && method.mergedWeight)(
    'forward is the forward pass with the merged weight, whatever the shapes and layout',
    () => {
      fc.assert(
        fc.property(layers(method), (layer) => {
          expect(relativeDifference(layer.forward(), layer.throughMergedWeight())).toBeLessThan(1e-9);
        }),
        { numRuns: 60 },
      );
    },
  );

  it.runIf(hasLayers && method.unmergedWeight)('unmerging a merged weight gives the base weight back', () => {
    fc.assert(
      fc.property(layers(method), (layer) => {
        expect(relativeDifference(layer.mergedAndUnmerged() ?? [], layer.baseWeight())).toBeLessThan(1e-12);
      }),
      { numRuns: 60 },
    );
  });

  it('a fresh adapter changes nothing', async () => {
    const plan = planOf(method, {});
    const fresh = new Parameters(plan).initialise(model, 1);
    expect(relativeDifference(await logits(plan, fresh), await logits(null, null))).toBeLessThan(1e-6);
  });

  it('gradients reach every trained tensor', async () => {
    const plan = planOf(method, { modules_to_save: ['lm_head', 'embed_tokens'], bias: 'all' });
    const gradient = await gradientOf(plan, randomised(plan));
    const untouched = plan.trained.filter((t) => gradient.subarray(t.offset, t.offset + t.size).every((g) => g === 0));
    expect(untouched.map((t) => t.key)).toEqual([]);
    expect(gradient.every(Number.isFinite)).toBe(true);
  });

  it('a loss goes down in training, with dropout as well', async () => {
    const [before, after] = await training(planOf(method, { lora_dropout: 0.1 }));
    expect(after).toBeLessThan(before * 0.8);
  });

  it('saving and loading gives the same plan, values and bytes', () => {
    const plan = planOf(method, { modules_to_save: ['lm_head'], bias: 'lora_only', exclude_modules: ['k_proj'] });
    const parameters = randomised(plan);
    const [first, second] = [temporaryFolder(), temporaryFolder()];
    saveAdapter(first, plan, parameters, { baseModelPath: model.dir });
    const loaded = loadAdapter(first, model);
    expect(loaded.method).toBe(method);
    expect(loaded.plan.trained).toEqual(plan.trained);
    expect(loaded.plan.layers.map((l) => [l.site.path, meaning(l.config)])).toEqual(
      plan.layers.map((l) => [l.site.path, meaning(l.config)]),
    );
    for (const { key } of plan.trained) expect(loaded.parameters.get(key)).toEqual(parameters.get(key));

    saveAdapter(second, loaded.plan, loaded.parameters, { baseModelPath: model.dir, preserve: loaded.configText });
    for (const name of readdirSync(first))
      expect(sameBytes(path.join(first, name), path.join(second, name))).toBe(true);

    const again = new Parameters(plan);
    loadInto(first, plan, again);
    expect(again.trained).toEqual(parameters.trained);
  });

  it('the plan counts as many parameters as the file holds', () => {
    const plan = planOf(method, {});
    const dir = temporaryFolder();
    saveAdapter(dir, plan, randomised(plan), { baseModelPath: model.dir });
    const file = openSafetensors(path.join(dir, 'adapter_model.safetensors'));
    // Copies under another name are no parameters.
    const names = Object.keys(method.copies ?? {}).map((copy) => `.${copy}.`);
    const stored = [...file.tensors.values()]
      .filter((t) => !names.some((name) => t.name.includes(name)))
      .reduce((n, t) => n + t.shape.reduce((p, d) => p * d, 1), 0);
    file.close();
    expect(stored).toBe(plan.trainedSize + plan.frozenSize);
    const shared = [...plan.trained, ...plan.frozen].filter((t) => t.module === SHARED_MODULE);
    const params = [...plan.layers.flatMap((l) => Object.values(l.params)), ...shared].map((p) =>
      p.shape.reduce((n, d) => n * d, 1),
    );
    const ofBase = plan.trained.filter((t) => t.kind === 'base').map((t) => model.tensors.get(t.key) ?? []);
    const sizes = [...params, ...ofBase.map((shape) => shape.reduce((n, d) => n * d, 1))];
    expect(stored).toBe(sizes.reduce((n, size) => n + size, 0));
  });
});

/** Configurations with other tensors, another start or another form in files than the method's default. */
const VARIANTS: readonly (readonly [method: string, config: Readonly<Record<string, unknown>>])[] = [
  ...['gaussian', 'orthogonal', 'pissa', 'pissa_niter_16', 'b-random'].flatMap((init_lora_weights) => [
    ['lora', { init_lora_weights }] as const,
    ['dora', { init_lora_weights }] as const,
  ]),
  ['lora', { init_lora_weights: 'pissa', use_rslora: true, rank_pattern: { q_proj: 2 }, alpha_pattern: { v_proj: 5 } }],
  ['lora', { lora_bias: true, target_modules: ['q_proj', 'k_proj', 'o_proj'] }],
  ['lora', { lora_bias: true, init_lora_weights: 'pissa', target_modules: ['q_proj'] }],
  ['dora', { magnitude_only: ['up_proj', 'down_proj'], norm_gradient: 'full' }],
  ['dora', { magnitude_only: '.*', init_lora_weights: 'pissa' }],
  ['lora', { target_modules: ['embed_tokens'] }],
  ['lora', { target_modules: ['embed_tokens', 'q_proj', 'lm_head'], init_lora_weights: 'gaussian' }],
  ['dora', { target_modules: ['embed_tokens', 'v_proj', 'lm_head'] }],
  ['mora', { target_modules: ['lm_head'] }],
  ['dora', { magnitude_only: ['embed_tokens'], target_modules: ['embed_tokens', 'k_proj'] }],
  ['dora', { magnitude_only: ['up_proj'], init_lora_weights: 'pissa', rank_pattern: { up_proj: 3, q_proj: 2 } }],
];

describe.each(VARIANTS)('%s with %j', (id, config) => {
  const method = adapterMethods.find((m) => m.id === id);
  if (!method) throw new Error(`there is no method ${id}`);
  const plan = planOf(method, config);

  it('changes nothing when it is fresh', async () => {
    const fresh = new Parameters(plan).initialise(model, 1);
    expect(relativeDifference(await logits(plan, fresh), await logits(null, null))).toBeLessThan(1e-5);
  });

  it('is stored as an adapter that computes the same, and comes back to the bit', async () => {
    const parameters = randomised(plan);
    const dir = temporaryFolder();
    saveAdapter(dir, plan, parameters, { baseModelPath: model.dir });
    const loaded = loadAdapter(dir, model);
    const expected = await logits(plan, parameters);
    expect(relativeDifference(await logits(loaded.plan, loaded.parameters), expected)).toBeLessThan(2e-5);
    const again = new Parameters(plan);
    loadInto(dir, plan, again);
    expect(again.trained).toEqual(parameters.trained);
    expect(again.frozen).toEqual(parameters.frozen);
  });

  it('trains every tensor, also with dropout', async () => {
    const dropped = planOf(method, { ...config, lora_dropout: 0.1 });
    const [before, after] = await training(dropped);
    expect(after).toBeLessThan(before * 0.9);
    const gradient = await gradientOf(plan, randomised(plan));
    const untouched = plan.trained.filter((t) => gradient.subarray(t.offset, t.offset + t.size).every((g) => g === 0));
    expect(untouched.map((t) => t.key)).toEqual([]);
  });
});

async function logits(plan: AdapterPlan | null, values: TensorValues | null): Promise<Float32Array> {
  const runner = new ModelRunner(model, plan, values, CPU);
  try {
    return await runner.logits(BATCH);
  } finally {
    await runner.dispose();
  }
}

async function gradientOf(plan: AdapterPlan, parameters: Parameters): Promise<Float32Array> {
  const runner = new ModelRunner(model, plan, parameters, CPU);
  const gradient = new Float32Array(plan.trainedSize);
  await runner.step({ batch: BATCH, rowWeight: 1 / BATCH.rows.length, dropoutSeed: 0 }, gradient);
  await runner.dispose();
  return gradient;
}

/** The loss before and after 20 steps. */
async function training(plan: AdapterPlan): Promise<readonly [before: number, after: number]> {
  const parameters = new Parameters(plan).initialise(model, 3);
  const runner = new ModelRunner(model, plan, parameters, CPU);
  const adam = new AdamW(plan.trainedSize, { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 });
  const ranges = [{ from: 0, to: plan.trainedSize, learningRate: 0.02, weightDecay: 0 }];
  const rowWeight = 1 / BATCH.rows.length;
  const before = await runner.loss(BATCH, rowWeight);
  for (let step = 0; step < 20; step++) {
    const gradient = new Float32Array(plan.trainedSize);
    await runner.step({ batch: BATCH, rowWeight, dropoutSeed: step }, gradient);
    adam.update(parameters.trained, gradient, ranges, 1);
  }
  const after = await runner.loss(BATCH, rowWeight);
  await runner.dispose();
  return [before, after];
}

const CPU = { device: 'cpu', threads: 1 } as const;

/** Two sequences of 6 tokens; all but the last positions carry loss. */
const BATCH: MicroBatch = (() => {
  const random = createRandom(7);
  const inputIds = Int32Array.from({ length: 12 }, () => random.below(model.config.vocabularySize));
  const rows = Int32Array.from([0, 1, 2, 3, 4, 6, 7, 8, 9, 10]);
  return { batch: 2, length: 6, inputIds, rows, labels: rows.map((row) => inputIds[row + 1] ?? 0) };
})();

function planOf(method: AnyAdapterMethod, config: Readonly<Record<string, unknown>>): AdapterPlan {
  return planAdapter(method, withDefaults(method.config as Fields, { r: 4, ...config }), model);
}

/** As after some training: no tensor is zero. */
function randomised(plan: AdapterPlan): Parameters {
  const parameters = new Parameters(plan).initialise(model, 5);
  plan.trained.forEach((t, i) => {
    const noise = randomValues(t.shape, 100 + i);
    parameters.set(
      t.key,
      parameters.get(t.key).map((v, j) => v + 0.3 * (noise[j] ?? 0)),
    );
  });
  return parameters;
}

/** What remains of a layer's configuration when names of targets are resolved. */
function meaning(config: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(config).filter(([key]) => key !== 'target_modules'));
}

function sameBytes(a: string, b: string): boolean {
  return readFileSync(a).equals(readFileSync(b));
}
