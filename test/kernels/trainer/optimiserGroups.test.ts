/** @file Rates and decays of every tensor, with LoRA+ and without, and where LoRA+ would change nothing. */
import { afterAll, describe, expect, it } from 'vitest';
import { planAdapter } from '../../../kernels/adapters/plan';
import { adapterMethods } from '../../../kernels/adapters/registry';
import { openBaseModel } from '../../../kernels/models/baseModel';
import { KernelError } from '../../../kernels/protocol/errors';
import { optimiserGroups, rangesOf, ratesOf } from '../../../kernels/trainer/optimiserGroups';
import type { Fields } from '../../../kernels/util/fields';
import { withDefaults } from '../../../kernels/util/fields';
import { writeTinyModel } from '../../support/tinyModel';

const model = openBaseModel(writeTinyModel({ config: { attention_bias: true } }));
afterAll(() => model.checkpoint.close());

function planOf(id: string, config: Readonly<Record<string, unknown>> = {}) {
  const method = adapterMethods.find((m) => m.id === id);
  if (!method) throw new Error(`there is no method ${id}`);
  return planAdapter(method, withDefaults(method.config as Fields, { r: 4, ...config }), model);
}

describe('without a ratio', () => {
  it.each(adapterMethods.map((m) => m.id))('%s has one group with every trained tensor', (id) => {
    const plan = planOf(id);
    const groups = optimiserGroups(plan, {});
    expect(groups).toEqual([{ name: 'default', ratio: 1, tensors: plan.trained }]);
    expect(ratesOf(groups, 0.5)).toEqual({ default: 0.5 });
  });
});

describe('with a ratio', () => {
  it('second factors and one-dimensional tensors are fast, everything is in one group, biases do not decay', () => {
    const plan = planOf('dora', { bias: 'lora_only', modules_to_save: ['lm_head'], decay_magnitude: true });
    const groups = optimiserGroups(plan, { loraplus_lr_ratio: 8 });
    expect(ratesOf(groups, 0.01)).toEqual({ A: 0.01, B: 0.08 });
    const ranges = rangesOf(groups, 0.01, 0.1);
    expect(ranges.reduce((n, { from, to }) => n + to - from, 0)).toBe(plan.trainedSize);
    for (const tensor of plan.trained) {
      const range = ranges.find((r) => r.from === tensor.offset);
      const isFast = ['lora_B', 'lora_magnitude_vector', 'bias'].includes(tensor.param);
      expect([tensor.key, range?.learningRate]).toEqual([tensor.key, isFast ? 0.08 : 0.01]);
      expect([tensor.key, range?.weightDecay]).toEqual([tensor.key, tensor.param === 'bias' ? 0 : 0.1]);
    }
  });

  it.each([
    ['mora', {}, /has no effect with MoRA, which trains no second factor lora_B/],
    ['vera', {}, /has no effect with VeRA/],
    ['asylora', { frozen: 'A' }, /would only multiply the learning rate/],
    ['asylora', { frozen: 'B' }, /has no effect with AsyLoRA/],
  ] as const)('%s %j is refused', (id, config, message) => {
    const attempt = () => optimiserGroups(planOf(id, config), { loraplus_lr_ratio: 4 });
    expect(attempt).toThrow(message);
    expect(attempt).toThrow(KernelError);
  });
});

describe('LoRA+ with an adapted embedding', () => {
  const planned = () => planOf('lora', { target_modules: ['embed_tokens', 'q_proj'] });

  it('gives its factors a rate of their own', () => {
    const rates = ratesOf(optimiserGroups(planned(), { learning_rate: 2e-4, loraplus_lr_ratio: 8 }), 2e-4);
    expect(rates.embedding).toBeCloseTo(1e-6, 12);
    const own = { learning_rate: 2e-4, loraplus_lr_ratio: 8, loraplus_lr_embedding: 5e-5 };
    const groups = optimiserGroups(planned(), own);
    expect(ratesOf(groups, 2e-4).embedding).toBeCloseTo(5e-5, 12);
    expect(groups.find((g) => g.name === 'embedding')?.tensors.map((t) => t.key)).toEqual([
      'model.embed_tokens.lora_A',
      'model.embed_tokens.lora_B',
    ]);
  });

  it('refuses that rate where no embedding is adapted', () => {
    const settings = { learning_rate: 2e-4, loraplus_lr_ratio: 8, loraplus_lr_embedding: 5e-5 };
    expect(() => optimiserGroups(planOf('lora', {}), settings)).toThrow(/loraplus_lr_embedding has no effect/);
  });
});
