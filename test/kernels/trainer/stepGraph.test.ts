/** @file The graph of a training step: its gradient against differences of its loss, padding, and what it is named. */
import { afterAll, describe, expect, it } from 'vitest';
import type { AdapterPlan } from '../../../kernels/adapters/plan';
import { planAdapter } from '../../../kernels/adapters/plan';
import { adapterMethods } from '../../../kernels/adapters/registry';
import type { AnyAdapterMethod } from '../../../kernels/adapters/types';
import { openBaseModel } from '../../../kernels/models/baseModel';
import { Parameters } from '../../../kernels/trainer/parameters';
import type { MicroBatch } from '../../../kernels/trainer/runner';
import { ModelRunner, roundRows } from '../../../kernels/trainer/runner';
import { dropoutMasks } from '../../../kernels/trainer/dropoutMasks';
import type { Program } from '../../../kernels/graph/program';
import { buildGraph, gradientName } from '../../../kernels/trainer/stepGraph';
import { createRandom } from '../../../kernels/util/random';
import type { Fields } from '../../../kernels/util/fields';
import { withDefaults } from '../../../kernels/util/fields';
import { randomValues, writeTinyModel } from '../../support/tinyModel';

const CPU = { device: 'cpu', threads: 1 } as const;
const models = {
  untied: openBaseModel(writeTinyModel({ config: { attention_bias: true, mlp_bias: true } })),
  tied: openBaseModel(writeTinyModel({ config: { tie_word_embeddings: true } })),
};
afterAll(() => Object.values(models).forEach((m) => m.checkpoint.close()));

const lora = adapterMethods.find((m) => m.id === 'lora') as AnyAdapterMethod;
const reslora = adapterMethods.find((m) => m.id === 'reslora') as AnyAdapterMethod;
const full = adapterMethods.find((m) => m.id === 'full') as AnyAdapterMethod;
const lastLayers = adapterMethods.find((m) => m.id === 'last_layers') as AnyAdapterMethod;
const bitfit = adapterMethods.find((m) => m.id === 'bitfit') as AnyAdapterMethod;

const planOn = (
  model: keyof typeof models,
  method: AnyAdapterMethod,
  config: Readonly<Record<string, unknown>>,
): AdapterPlan => planAdapter(method, withDefaults(method.config as Fields, { r: 2, ...config }), models[model]);

/** The gradient is the slope of the loss along a few random directions. */
async function expectSlope(
  { trained }: Parameters,
  gradient: Float32Array,
  lossNow: () => Promise<number>,
): Promise<void> {
  const start = trained.slice();
  for (let seed = 0; seed < 3; seed++) {
    const direction = randomValues([trained.length], 900 + seed);
    const step = 2e-2 / Math.sqrt(trained.length);
    const lossAt = async (h: number): Promise<number> => {
      trained.set(start.map((v, i) => v + h * (direction[i] ?? 0)));
      return lossNow();
    };
    const slope = ((await lossAt(step)) - (await lossAt(-step))) / (2 * step);
    const expected = gradient.reduce((sum, g, i) => sum + g * (direction[i] ?? 0), 0);
    const size = Math.hypot(...gradient) * Math.hypot(...direction);
    expect(Math.abs(slope - expected) / size).toBeLessThan(2e-3);
  }
  trained.set(start);
}

const inputsOf = ({ leaves }: Program): string[] =>
  leaves.flatMap(({ leaf }) => (leaf?.kind === 'input' ? [leaf.name] : []));

describe('the gradient', () => {
  it.each([
    ['LoRA', 'untied', lora, {}],
    ['biases, norms and head', 'untied', lora, { bias: 'all', modules_to_save: ['lm_head', 'norm'] }],
    ['a tied head trained for itself', 'tied', lora, { modules_to_save: ['lm_head'] }],
    ['an embedding trained beside a tied head', 'tied', lora, { modules_to_save: ['embed_tokens'] }],
    ['a whole tied model', 'tied', full, {}],
    ['the last block alone', 'tied', lastLayers, { num_layers: 1 }],
    ['biases alone', 'untied', bitfit, {}],
  ] as const)('is the slope of the loss in any direction: %s', async (_, name, method, config) => {
    const model = models[name];
    const plan = planOn(name, method, config);
    const parameters = new Parameters(plan).initialise(model, 1);
    plan.trained.forEach((t, i) => {
      const noise = randomValues(t.shape, 10 + i);
      parameters.set(
        t.key,
        parameters.get(t.key).map((v, j) => v + 0.2 * (noise[j] ?? 0)),
      );
    });
    const runner = new ModelRunner(model, plan, parameters, CPU);
    const rowWeight = 1 / BATCH.rows.length;
    const gradient = new Float32Array(plan.trainedSize);
    const loss = await runner.step({ batch: BATCH, rowWeight, dropoutSeed: 0 }, gradient);
    expect(loss).toBeCloseTo(await runner.loss(BATCH, rowWeight), 5);
    await expectSlope(parameters, gradient, () => runner.loss(BATCH, rowWeight));
    await runner.dispose();
  });

  it('adds up over micro-batches', async () => {
    const plan = planOn('untied', lora, {});
    const parameters = new Parameters(plan).initialise(models.untied, 1);
    const runner = new ModelRunner(models.untied, plan, parameters, CPU);
    const [once, twice] = [new Float32Array(plan.trainedSize), new Float32Array(plan.trainedSize)];
    await runner.step({ batch: BATCH, rowWeight: 0.5, dropoutSeed: 0 }, once);
    for (let i = 0; i < 2; i++) await runner.step({ batch: BATCH, rowWeight: 0.25, dropoutSeed: 0 }, twice);
    await runner.dispose();
    once.forEach((g, i) => expect(twice[i]).toBeCloseTo(g, 6));
  });
});

describe('dropout', () => {
  it('depends on its seed and on nothing else', async () => {
    const plan = planOn('untied', lora, { lora_dropout: 0.5 });
    const parameters = new Parameters(plan).initialise(models.untied, 1);
    parameters.trained.set(randomValues([plan.trainedSize], 4));
    const runner = new ModelRunner(models.untied, plan, parameters, CPU);
    const lossOf = (dropoutSeed: number): Promise<number> =>
      runner.step({ batch: BATCH, rowWeight: 0.1, dropoutSeed }, new Float32Array(plan.trainedSize));
    const first = await lossOf(1);
    expect(await lossOf(2)).not.toBe(first);
    expect(await lossOf(1)).toBe(first);
    await runner.dispose();
  });

  const shape = { batch: BATCH.batch, length: BATCH.length, rows: BATCH.rows.length };
  const linked = { variant: 'bs', pre_num: -1, target_modules: ['q_proj'] };

  it.each(['bs', 'is', 'ms'])(
    'of ResLoRA %s is fed the masks its graph asks for, and no two are the same',
    (variant) => {
      const plan = planOn('untied', reslora, { ...linked, variant, pre_num: 1, lora_dropout: 0.5 });
      const masks = dropoutMasks(plan, shape, 7);
      const [first, second] = plan.layers.map(({ site }) => `${site.path}.dropout_mask`);
      expect(Object.keys(masks)).toEqual([first, second, ...(variant === 'bs' ? [`${second}.1`] : [])]);
      const asked = inputsOf(buildGraph({ kind: 'train', shape, model: models.untied, plan }));
      expect(asked.filter((name) => name.includes('dropout_mask')).sort()).toEqual(Object.keys(masks).sort());
      const drawn = Object.values(masks).map(({ data }) => data.join(''));
      expect(new Set(drawn).size).toBe(drawn.length);
    },
  );

  it('of a probability of 0 leaves the graph as it is without training', async () => {
    const plan = planOn('untied', reslora, { ...linked, lora_dropout: 0 });
    expect(dropoutMasks(plan, shape, 7)).toEqual({});
    const parameters = new Parameters(plan).initialise(models.untied, 1);
    parameters.trained.set(randomValues([plan.trainedSize], 4));
    const runner = new ModelRunner(models.untied, plan, parameters, CPU);
    const step = { batch: BATCH, rowWeight: 0.1, dropoutSeed: 7 };
    expect(await runner.step(step, new Float32Array(plan.trainedSize))).toBeCloseTo(await runner.loss(BATCH, 0.1), 5);
    await runner.dispose();
  });

  it('that masks each term of a block shortcut anew has the gradient of its loss', async () => {
    const plan = planOn('untied', reslora, { ...linked, lora_dropout: 0.3 });
    const parameters = new Parameters(plan).initialise(models.untied, 1);
    parameters.trained.set(randomValues([plan.trainedSize], 4).map((v) => 0.3 * v));
    const runner = new ModelRunner(models.untied, plan, parameters, CPU);
    const step = { batch: BATCH, rowWeight: 1 / BATCH.rows.length, dropoutSeed: 7 };
    const gradient = new Float32Array(plan.trainedSize);
    await runner.step(step, gradient);
    await expectSlope(parameters, gradient, () => runner.step(step, new Float32Array(plan.trainedSize)));
    await runner.dispose();
  });
});

describe('padding', () => {
  it('on the right changes no logit', async () => {
    const runner = new ModelRunner(models.untied, null, null, CPU);
    const ids = [5, 9, 1, 30];
    const rows = Int32Array.of(0, 1, 2, 3);
    const plain = await runner.logits({ batch: 1, length: 4, inputIds: Int32Array.from(ids), rows });
    const padded = await runner.logits({ batch: 1, length: 7, inputIds: Int32Array.from([...ids, 0, 0, 0]), rows });
    await runner.dispose();
    plain.forEach((logit, i) => expect(padded[i]).toBeCloseTo(logit, 5));
  });

  it('on the left is not seen where the padding bias says so', async () => {
    const runner = new ModelRunner(models.untied, null, null, CPU);
    const logitsWith = (padding: number): Promise<Float32Array> =>
      runner.logits({
        batch: 1,
        length: 5,
        inputIds: Int32Array.of(padding, padding, 5, 9, 1),
        rows: Int32Array.of(2, 3, 4),
        paddingBias: Float32Array.of(-1e30, -1e30, 0, 0, 0),
      });
    expect(await logitsWith(7)).toEqual(await logitsWith(0));
    await runner.dispose();
  });
});

describe('the graph', () => {
  it('has one gradient for each trained tensor and only inputs that are needed', () => {
    const plan = planOn('untied', lora, { target_modules: ['q_proj'] });
    const shape = { batch: 1, length: 4, rows: 4 };
    const program = buildGraph({ kind: 'train', shape, model: models.untied, plan });
    expect([...program.outputs.keys()]).toEqual(['loss', ...plan.trained.map(gradientName)]);
    expect(inputsOf(program).sort()).toEqual(
      ['ids', 'labels', 'row_weights', 'rows', ...plan.trained.map((t) => t.key)].sort(),
    );
  });

  it('keeps numbers of rows to a few sizes, at most an eighth larger', () => {
    for (let rows = 9; rows < 3000; rows++) {
      expect(roundRows(rows)).toBeGreaterThanOrEqual(rows);
      expect(roundRows(rows)).toBeLessThanOrEqual(Math.max(rows * 1.125, rows + 3));
    }
    expect(new Set(Array.from({ length: 3000 }, (_, i) => roundRows(i + 1))).size).toBeLessThan(80);
  });
});

const BATCH: MicroBatch = (() => {
  const random = createRandom(3);
  const inputIds = Int32Array.from({ length: 15 }, () => random.below(37));
  const rows = Int32Array.of(2, 3, 5, 6, 8, 11, 12, 13);
  return { batch: 3, length: 5, inputIds, rows, labels: rows.map((row) => inputIds[row + 1] ?? 0) };
})();
