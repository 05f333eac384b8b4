/** @file What is said about the place under the pointer, marked by `|`, in configurations beside a tiny model. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { saveAdapter } from '../../../kernels/adapters/adapterFile';
import { adapterMethods } from '../../../kernels/adapters/registry';
import { loadConfig } from '../../../kernels/config/loadConfig';
import { hover } from '../../../kernels/language/hover';
import { openBaseModel } from '../../../kernels/models/baseModel';
import { Parameters } from '../../../kernels/trainer/parameters';
import { planFor } from '../../../kernels/trainer/prepare';
import { trainingFixture } from '../../support/trainingFixture';

const fixture = trainingFixture();
const file = path.join(fixture.folder, 'x.adapter.yaml');
const text = (adapter: string) =>
  `version: 1\nmodel: ${fixture.model}\ndata:\n  train: train.jsonl\n  max_length: 64\nadapter:\n  method: lora\n  r: 2\n${adapter}training:\n  lr_scheduler_type: cosine\n`;

function over(marked: string) {
  const offset = marked.indexOf('|');
  return hover({ path: file, text: marked.slice(0, offset) + marked.slice(offset + 1), offset });
}
/** The pointer on the first `word`. */
const overWord = (whole: string, word: string) => over(whole.replace(word, `${word[0]}|${word.slice(1)}`));

describe('a hover', () => {
  it('of a key has title, help, limits, unit and default', () => {
    expect(overWord('training:\n  warmup_steps: 3\n', 'warmup_steps')?.key).toEqual({
      path: 'training.warmup_steps',
      title: 'Warm-up',
      help: expect.stringContaining('learning rate rises') as string,
      expected: 'an integer from 0 to 10000000',
      unit: 'steps',
      default: '0',
      presence: 'default',
    });
    expect(overWord('adapter:\n  r: 3', 'adapter')?.key).toMatchObject({ title: 'Adapter', presence: 'required' });
  });

  it('of a key that only a method has needs that method', () => {
    expect(overWord('adapter:\n  method: lora\n  use_rslora: true', 'use_rslora')?.key?.title).toBeDefined();
    expect(overWord('adapter:\n  use_rslora: true', 'use_rslora')).toBeUndefined();
  });

  it('of a value says what it means', () => {
    expect(overWord(text(''), 'cosine')?.meaning).toMatch(/half a cosine/);
    expect(overWord(text(''), 'lora')?.meaning).toMatch(/^LoRA\. .*\[arxiv\.org\/abs\/2106\.09685\]/);
    const model = over(text('').replace('model: ', 'model: |'))?.meaning;
    expect(model).toMatch(/^llama, [\d.]+ k parameters in 2 blocks, F32; reads up to 96 tokens$/);
  });

  it('is there while the rest is broken', () => {
    expect(overWord('training:\n  warmup_steps: 3\n  lear\nadapter: [', 'warmup_steps')?.key?.title).toBe('Warm-up');
    expect(over('# no|thing')).toBeUndefined();
    expect(over('|')).toBeUndefined();
  });
});

describe('a hover on module names', () => {
  it('counts what a name matches, with shape and share of the trained parameters', () => {
    const found = overWord(text('  target_modules: [q_proj, up_proj]\n'), 'q_proj');
    expect(found?.matches).toMatchObject({
      matched: 2,
      total: 14,
      examples: ['model.layers.0.self_attn.q_proj', 'model.layers.1.self_attn.q_proj'],
    });
    // r·(in + out) of one layer: 2·(16 + 24), as for up_proj.
    expect(found?.module).toEqual({
      name: 'q_proj',
      modules: 2,
      shape: [24, 16],
      rank: 2,
      parameters: 160,
      share: 0.5,
      updates: [],
    });
  });

  it('knows the rank that a pattern gives', () => {
    const found = overWord(text('  target_modules: all-linear\n  rank_pattern:\n    down_proj: 5\n'), 'down_proj');
    expect(found?.module).toMatchObject({ name: 'down_proj', rank: 5, modules: 2 });
    expect(found?.matches?.matched).toBe(2);
  });

  it('counts what a regular expression, a list and all-linear match', () => {
    expect(overWord(text("  target_modules: '.*_proj'\n"), '.*_proj')?.matches).toMatchObject({
      matched: 14,
      total: 14,
    });
    expect(overWord(text("  target_modules: '.*layers.1.*'\n"), 'target_modules')?.matches?.matched).toBe(7);
    expect(overWord(text('  target_modules: all-linear\n'), 'all-linear')?.matches?.matched).toBe(14);
    expect(overWord(text('  target_modules: [nothing]\n'), 'nothing')).toMatchObject({ matches: { matched: 0 } });
    expect(overWord(text("  target_modules: '(('\n"), '((')?.matches).toBeUndefined();
  });
});

describe('with an adapter of an earlier run', () => {
  const targets = '  target_modules: [q_proj, down_proj]\n';

  beforeAll(() => {
    const { config } = loadConfig(file, { methods: adapterMethods, text: text(targets) });
    const model = openBaseModel(fixture.model);
    const plan = planFor(config!, model, file);
    const values = new Parameters(plan).initialise(model, 1);
    // B is 0 at the start: give it something.
    for (const { key, param } of plan.trained)
      if (param === 'lora_B') values.get(key).forEach((_, i, all) => (all[i] = (i % 5) / 10));
    model.checkpoint.close();
    const write = (run: string, at: string, configFile: string) => {
      const dir = path.join(fixture.folder, 'runs', run, at);
      mkdirSync(dir, { recursive: true });
      saveAdapter(dir, plan, values, { baseModelPath: fixture.model });
      writeFileSync(path.join(fixture.folder, 'runs', run, 'run.json'), JSON.stringify({ config_file: configFile }));
    };
    write('x-20260101T000000-aaaa', 'adapter', file);
    write('x-20260102T000000-bbbb', 'checkpoints/step-000040', file);
    write('x-20260103T000000-cccc', 'adapter', '/elsewhere/x.adapter.yaml');
  });

  it('the hover shows the updates of the newest run of this configuration', () => {
    const module = overWord(text(targets), 'q_proj')?.module;
    expect(module?.adapter).toEqual({
      path: path.join(fixture.folder, 'runs/x-20260102T000000-bbbb/checkpoints/step-000040'),
      step: 40,
    });
    expect(module?.updates.map((update) => update.module)).toEqual([
      'model.layers.0.self_attn.q_proj',
      'model.layers.1.self_attn.q_proj',
    ]);
    const [first] = module!.updates;
    expect(first!.singularValues).toHaveLength(2);
    expect(first!.norm).toBeCloseTo(Math.hypot(...first!.singularValues), 6);
    expect(first!.effectiveRank).toBeGreaterThan(1);
  });

  it('and says when the adapter has no update of the module', () => {
    const module = overWord(text('  target_modules: [up_proj]\n'), 'up_proj')?.module;
    expect(module).toMatchObject({ updates: [], noUpdate: 'the adapter has no update of this module' });
  });
});
