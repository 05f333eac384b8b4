/** @file Decoding with kept keys and values says the same as running every text anew: all adapter methods, kinds of model and slots. */
import { afterAll, describe, expect, it } from 'vitest';
import { planAdapter } from '../../../kernels/adapters/plan';
import { adapterMethods } from '../../../kernels/adapters/registry';
import { openBaseModel } from '../../../kernels/models/baseModel';
import { fromKept, fromWholeTexts, type GrowingText } from '../../../kernels/trainer/nextLogits';
import { Parameters } from '../../../kernels/trainer/parameters';
import { ModelRunner } from '../../../kernels/trainer/runner';
import type { Fields } from '../../../kernels/util/fields';
import { withDefaults } from '../../../kernels/util/fields';
import { randomValues, writeTinyModel } from '../../support/tinyModel';

const CPU = { device: 'cpu', threads: 1 } as const;
const LLAMA3 = {
  rope_type: 'llama3',
  factor: 4,
  low_freq_factor: 1,
  high_freq_factor: 4,
  original_max_position_embeddings: 16,
};
const models = {
  'with grouped heads': openBaseModel(writeTinyModel({ seed: 2 })),
  'with biases, tied, in 16 bits': openBaseModel(
    writeTinyModel({ dtype: 'F16', config: { attention_bias: true, mlp_bias: true, tie_word_embeddings: true } }),
  ),
  'with scaled positions and a key for each head': openBaseModel(
    writeTinyModel({ config: { rope_scaling: LLAMA3, num_key_value_heads: 4 } }),
  ),
};
afterAll(() => Object.values(models).forEach((model) => model.checkpoint.close()));

/**
 * Largest difference between the two ways over all tokens, as a share of the range of the logits. Three slots, of which one is
 * empty at first, one gets another text half-way and one ends.
 */
async function worstDifference(runner: ModelRunner): Promise<number> {
  const { kept } = runner;
  if (!kept) throw new Error('nothing is kept');
  const texts: (GrowingText | undefined)[] = [{ ids: [3, 9, 1] }, undefined, { ids: [20] }];
  const [cached, whole] = [fromKept(runner, kept, 3, 40), fromWholeTexts(runner, 3)];
  let worst = 0;
  for (let step = 0; step < 12; step++) {
    if (step === 2) texts[1] = { ids: [7, 7, 2, 30, 11, 5] };
    if (step === 5) texts[0] = { ids: Array.from({ length: 26 }, (_, i) => i) };
    if (step === 8) texts[2] = undefined;
    const [mine, theirs] = [await cached(texts), await whole(texts)];
    texts.forEach((text, slot) => {
      expect(mine[slot] === undefined).toBe(text === undefined);
      if (!text) return;
      const expected = theirs[slot] ?? new Float32Array();
      const range = Math.max(...expected) - Math.min(...expected);
      expected.forEach((v, i) => (worst = Math.max(worst, Math.abs(v - (mine[slot]?.[i] ?? NaN)) / range)));
      expect(mine[slot]).toHaveLength(expected.length);
      text.ids.push((step * 5 + slot * 11) % 37);
    });
  }
  return worst;
}

describe('logits behind what was kept', () => {
  it.each(Object.entries(models))('are those of the whole text, of a model %s', async (_, model) => {
    const runner = new ModelRunner(model, null, null, CPU);
    expect(await worstDifference(runner)).toBeLessThan(1e-5);
    await runner.dispose();
  });

  it.each(adapterMethods.map((method) => [method.label, method] as const))(
    'are those of the whole text, with %s',
    async (_, method) => {
      const model = models[method.id === 'bitfit' ? 'with biases, tied, in 16 bits' : 'with grouped heads'];
      const fields = method.config as Fields;
      const plan = planAdapter(method, withDefaults(fields, 'r' in fields ? { r: 4 } : {}), model);
      const parameters = new Parameters(plan).initialise(model, 3);
      plan.trained.forEach((t, i) => {
        const noise = randomValues(t.shape, 10 + i);
        parameters.set(
          t.key,
          parameters.get(t.key).map((v, j) => v + 0.3 * (noise[j] ?? 0)),
        );
      });
      const runner = new ModelRunner(model, plan, parameters, CPU);
      expect(await worstDifference(runner)).toBeLessThan(1e-5);
      await runner.dispose();
    },
  );
});
