/** @file Every method shows that it is active in a short real run, and shows it when a part of it is broken. */
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import type { ActivityRecord, ActivityVerdict } from '../../../../kernels/protocol/types';
import { activityOf, verdicts } from '../../../support/activeRun';
import type { ConfigChanges } from '../../../support/tinyTraining';
import { biasedModels } from '../../../support/biasedModels';
import { trainingFixture } from '../../../support/trainingFixture';

const fixture = trainingFixture();
process.env['ADAPTER_STUDIO_CACHE'] = path.join(fixture.folder, 'cache');

const biased = biasedModels();

/** Not every method has the fields of the fixture's own adapter. */
const NEITHER = { lora_alpha: undefined, lora_dropout: undefined };

const allGreen = (records: readonly ActivityRecord[]): Readonly<Record<string, ActivityVerdict>> =>
  Object.fromEntries(Object.keys(verdicts(records)).map((id) => [id, 'green']));

const METHODS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  lora: { method: 'lora', r: 3 },
  rslora: { method: 'lora', r: 3, use_rslora: true },
  'lora-pissa': { method: 'lora', r: 3, init_lora_weights: 'pissa' },
  dora: { method: 'dora', r: 3 },
  'dora-pissa': { method: 'dora', r: 3, init_lora_weights: 'pissa' },
  'dora-magnitude-only': { method: 'dora', r: 3, magnitude_only: ['q_proj'] },
  'dora-magnitude-everywhere': { method: 'dora', r: 3, magnitude_only: '.*' },
  mora: { method: 'mora', r: 3 },
  'asylora-a': { method: 'asylora', r: 3 },
  'asylora-b': { method: 'asylora', r: 3, frozen: 'B' },
  'reslora-is': { method: 'reslora', r: 3, variant: 'is' },
  'reslora-bs': { method: 'reslora', r: 3, variant: 'bs' },
  'reslora-ms': { method: 'reslora', r: 3, variant: 'ms' },
  vera: { method: 'vera', r: 8 },
  dvora: { method: 'dvora', r: 8 },
};

const relora = { every: 5, restart_warmup_steps: 1 };

/** With sections of the configuration besides the adapter. */
const RUNS: Readonly<Record<string, ConfigChanges>> = {
  'LoRA+': { adapter: { method: 'lora', r: 3 }, training: { loraplus_lr_ratio: 8 } },
  'LoRA with dropout, decay and a schedule': {
    adapter: { method: 'lora', r: 3, lora_dropout: 0.2 },
    training: { lr_scheduler_type: 'cosine', warmup_steps: 2, max_steps: 8, weight_decay: 0.1 },
  },
  'DoRA with LoRA+ and biases': {
    adapter: { method: 'dora', r: 3, modules_to_save: ['lm_head'] },
    training: { loraplus_lr_ratio: 4 },
  },
  'LoRA with a bias of B': {
    adapter: { method: 'lora', r: 3, lora_bias: true, target_modules: ['q_proj', 'v_proj'] },
    model: biased.llama,
  },
  ReLoRA: {
    adapter: { method: 'lora', r: 2 },
    training: { max_steps: 15, lr_scheduler_type: 'cosine_restarts', warmup_steps: 1 },
    relora,
  },
  ReMoRA: {
    adapter: { method: 'mora', r: 2, mora_type: 1 },
    training: { max_steps: 15, lr_scheduler_type: 'cosine_restarts', warmup_steps: 1 },
    relora: { ...relora, optimizer_reset: 'magnitude', magnitude_pruning: 0.9 },
  },
  'full fine-tuning': { adapter: { method: 'full', r: undefined } },
  'last layers': { adapter: { method: 'last_layers', r: undefined } },
  BitFit: { adapter: { method: 'bitfit', r: undefined }, model: biased.llama },
  'BitFit of GPT-2': { adapter: { method: 'bitfit', r: undefined }, model: biased.gpt2 },
};

describe('a healthy run is green', () => {
  test.each(Object.entries(METHODS))('%s', async (name, adapter) => {
    const records = await activityOf(fixture, name, { adapter: { ...NEITHER, ...adapter } });
    expect(verdicts(records)).toEqual(allGreen(records));
    expect(records.at(-1)?.verdict).toBe('green');
  });

  test.each(Object.entries(RUNS))('%s', async (name, { adapter, ...changes }) => {
    const records = await activityOf(fixture, name.replace(/\W+/g, '-'), {
      ...changes,
      adapter: { ...NEITHER, ...adapter },
    });
    expect(verdicts(records)).toEqual(allGreen(records));
    expect(records.map(({ step }) => step)).toEqual([...new Set(records.map(({ step }) => step))]);
  });
});

test('before the first update nothing is judged but what must not change', async () => {
  const [first] = await activityOf(fixture, 'first', { adapter: { ...NEITHER, method: 'asylora', r: 3 } });
  const judged = first?.figures.filter(({ verdict }) => verdict !== 'pending').map(({ id }) => id);
  expect(first).toMatchObject({ step: 0, verdict: 'pending' });
  expect(judged).toEqual(['frozen-change', 'frozen-orthonormal']);
});
