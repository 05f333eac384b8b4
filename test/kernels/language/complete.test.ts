/** @file What is offered at the cursor, marked by `|`, in configurations beside a tiny model and data. */
import fc from 'fast-check';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { complete } from '../../../kernels/language/complete';
import type { Completion } from '../../../kernels/protocol/calls/config';
import { writeTinyEncoder } from '../../support/tinyEncoder';
import { trainingFixture } from '../../support/trainingFixture';

const fixture = trainingFixture();
const file = path.join(fixture.folder, 'x.adapter.yaml');
mkdirSync(path.join(fixture.folder, 'more'));
writeFileSync(path.join(fixture.folder, 'more', 'extra.jsonl'), '{"text":"a"}\n');
const head = `version: 1\nmodel: ${fixture.model}\n`;

function items(marked: string, models: Parameters<typeof complete>[0]['models'] = []): readonly Completion[] {
  const offset = marked.indexOf('|');
  const text = marked.slice(0, offset) + marked.slice(offset + 1);
  return complete({ path: file, text, offset, models }).items;
}
const labels = (marked: string) => items(marked).map(({ label }) => label);
const item = (marked: string, label: string) => items(marked).find((i) => i.label === label);

/** The text after the item of that label was taken. */
function taken(marked: string, label: string): string {
  const offset = marked.indexOf('|');
  const text = marked.slice(0, offset) + marked.slice(offset + 1);
  const { span, items: all } = complete({ path: file, text, offset, models: [] });
  const chosen = all.find((i) => i.label === label);
  if (!chosen) throw new Error(`no ${label} in ${all.map((i) => i.label).join(', ')}`);
  return text.slice(0, span.start) + chosen.insert + text.slice(span.end);
}

describe('keys', () => {
  it('of the top level come with sections, what is required first, without those that are written', () => {
    expect(labels('|')).toEqual(
      expect.arrayContaining(['version', 'model', 'data', 'adapter', 'output', 'training', 'runtime']),
    );
    expect(labels('|').slice(0, 4)).toEqual(['version', 'model', 'data', 'adapter']);
    expect(labels('version: 1\n|\ndata:\n  train: a\n')).not.toContain('data');
    expect(taken('version: 1\nda|', 'data')).toBe('version: 1\ndata:\n  ');
  });

  it('of a section are its own, also between and above others', () => {
    const found = labels('training:\n  seed: 1\n  |\n  shuffle: true\n');
    expect(found).toContain('learning_rate');
    expect(found).not.toContain('seed');
    expect(found).not.toContain('shuffle');
    expect(found).not.toContain('model');
    expect(taken('training:\n  lear|', 'learning_rate')).toBe('training:\n  learning_rate: ');
  });

  it('of an encoder are without those that only models that write text have, and so are the formats of its data', () => {
    const encoder = `version: 1\nmodel: ${writeTinyEncoder(path.join(fixture.folder, 'encoder'))}\n`;
    expect(labels(`${head}data:\n  |`)).toContain('loss_on');
    expect(labels(`${encoder}data:\n  |`)).toContain('max_length');
    expect(labels(`${encoder}data:\n  |`)).not.toContain('loss_on');
    expect(labels(`${head}|`)).toContain('samples');
    expect(labels(`${encoder}|`)).not.toContain('samples');
    expect(labels(`${encoder}data:\n  format: |`)).toEqual(['auto', 'classification', 'regression']);
    expect(labels(`${head}data:\n  format: |`)).not.toContain('classification');
  });

  it('of the adapter are those of its method', () => {
    expect(labels('adapter:\n  |')).toEqual(['method', 'init_from']);
    expect(labels('adapter:\n  method: lora\n  |')).toContain('use_rslora');
    expect(labels('adapter:\n  |\n  method: dora\n')).toContain('lora_alpha');
    expect(labels('adapter: { method: lora, |')).toContain('lora_alpha');
    expect(labels('adapter: { method: lora, r: 3, |')).not.toContain('r');
  });

  it('say what they mean, what they are without being written, and what they take', () => {
    expect(item('training:\n  |', 'per_device_train_batch_size')).toMatchObject({
      kind: 'key',
      detail: 'Batch size · 8',
      key: { expected: 'an integer from 1 to 4096', default: '8', unit: 'samples', presence: 'default' },
    });
    expect(item('data:\n  |', 'train')?.key?.presence).toBe('required');
  });

  it('are renamed in place when a colon follows', () => {
    expect(taken('training:\n  se|ed: 3\n', 'save_steps')).toBe('training:\n  save_steps: 3\n');
  });

  it('lead on to their values where there is something to choose', () => {
    expect(item('training:\n  |', 'lr_scheduler_type')?.hasMore).toBe(true);
    expect(item('training:\n  |', 'learning_rate')?.hasMore).toBeUndefined();
    expect(item('adapter:\n  method: lora\n  |', 'target_modules')?.hasMore).toBe(true);
  });
});

describe('values', () => {
  it('of a choice are its values with what they mean', () => {
    expect(labels('training:\n  lr_scheduler_type: |')).toEqual([
      'linear',
      'cosine',
      'constant',
      'cosine_restarts',
      'cyclical_cosine',
    ]);
    expect(item('training:\n  lr_scheduler_type: c|', 'cosine')?.meaning).toMatch(/cosine/);
    expect(labels('adapter:\n  method: |')).toContain('dora');
    expect(labels('training:\n  shuffle: |')).toEqual(['true', 'false']);
    expect(labels('version: |')).toEqual(['1']);
    expect(labels('runtime:\n  threads: |')).toContain('auto');
  });

  it('of a number are the default', () => {
    expect(items('training:\n  learning_rate: |')).toEqual([
      { kind: 'value', label: '0.0002', insert: '0.0002', detail: 'default' },
    ]);
  });

  it('begin behind a space that is missing', () => {
    expect(taken('training:\n  shuffle:|', 'true')).toBe('training:\n  shuffle: true');
  });

  it('replace the whole word', () => {
    expect(taken('training:\n  lr_scheduler_type: lin|ear # note', 'cosine')).toBe(
      'training:\n  lr_scheduler_type: cosine # note',
    );
  });
});

describe('paths', () => {
  it('to data are the files around the configuration that have the right ending', () => {
    const found = labels('data:\n  train: |');
    expect(found).toEqual(expect.arrayContaining(['./train.jsonl', './eval.jsonl', './more/extra.jsonl', 'more/']));
    expect(found).not.toContain('./x.adapter.yaml');
    expect(labels('data:\n  train: more/|')).toContain('more/extra.jsonl');
    expect(labels('data:\n  train: [./train.jsonl, |')).not.toContain('./train.jsonl');
    expect(taken('data:\n  train:\n    |', './eval.jsonl')).toBe('data:\n  train:\n    - ./eval.jsonl');
  });

  it('to a model are checkpoints, those of the editor first', () => {
    const model = {
      kind: 'checkpoint',
      path: fixture.model,
      name: 'Tiny',
      source: 'hub-cache',
      type: 'llama',
      sizeBytes: 1,
    } as const;
    expect(items('model: |', [model])[0]).toMatchObject({
      kind: 'model',
      insert: `../${path.basename(fixture.model)}`,
      detail: 'Tiny · llama',
    });
    expect(items('adapter:\n  init_from: |', [model]).filter(({ kind }) => kind === 'model')).toEqual([]);
  });

  it('are written in quotes where YAML needs them', () => {
    writeFileSync(path.join(fixture.folder, 'more', 'a: b #1.jsonl'), '');
    expect(item('data:\n  train: |', './more/a: b #1.jsonl')?.insert).toBe('"./more/a: b #1.jsonl"');
    expect(item('data:\n  train: "|', './more/a: b #1.jsonl')?.insert).toBe('./more/a: b #1.jsonl');
  });
});

describe('names of modules', () => {
  const targets = `${head}adapter:\n  method: lora\n  target_modules: `;

  it('are those of the checkpoint, short and whole', () => {
    const found = items(`${targets}[|`);
    expect(found.slice(0, 7).map(({ label }) => label)).toEqual([
      'q_proj',
      'k_proj',
      'v_proj',
      'o_proj',
      'gate_proj',
      'up_proj',
      'down_proj',
    ]);
    expect(found[0]).toMatchObject({ kind: 'module', detail: '2 layers · [24, 16]' });
    expect(found.map(({ label }) => label)).toContain('model.layers.1.mlp.down_proj');
  });

  it('hold the embedding and the head behind the layers of the blocks', () => {
    const found = labels(`${targets}[|]`);
    expect(found.slice(-2)).toEqual(['embed_tokens', 'lm_head']);
  });

  it('leave out what is in the list, before and behind the cursor', () => {
    const found = labels(`${targets}[q_proj, |, v_proj]`);
    expect(found).not.toContain('q_proj');
    expect(found).not.toContain('v_proj');
    expect(found).toContain('k_proj');
    const block = labels(`${head}adapter:\n  method: lora\n  target_modules:\n    - q_proj\n    - |\n    - up_proj\n`);
    expect(block).not.toContain('up_proj');
    expect(block).toContain('down_proj');
  });

  it('are offered as whole lists where a value is expected', () => {
    const found = labels(`${targets}|`);
    expect(found).toEqual(
      expect.arrayContaining([
        'all-linear',
        '[q_proj, v_proj]',
        '[q_proj, k_proj, v_proj, o_proj]',
        '[gate_proj, up_proj, down_proj]',
      ]),
    );
    expect(taken(`${head}adapter:\n  method: lora\n  target_modules:\n    |`, 'q_proj')).toMatch(
      /target_modules:\n {4}- q_proj$/,
    );
  });

  it('are keys of the patterns, and what can be saved whole', () => {
    expect(taken(`${head}adapter:\n  method: lora\n  rank_pattern:\n    up|`, 'up_proj')).toMatch(/up_proj: $/);
    expect(labels(`${head}adapter:\n  method: lora\n  modules_to_save: [|`)).toEqual(
      expect.arrayContaining(['lm_head', 'embed_tokens']),
    );
    expect(labels(`${head}adapter:\n  method: lora\n  layers_pattern: [|`)).toEqual(['layers']);
  });

  it('are not made up when there is no model', () => {
    expect(labels('model: nowhere\nadapter:\n  method: lora\n  target_modules: [|')).toEqual([]);
  });
});

it('nothing is thrown at any place of any beginning of a configuration', () => {
  const text = `# a comment\n${head}data:\n  train: [train.jsonl, "eval.jsonl"]\nadapter: { method: lora, r: 4 }\ntraining:\n  seed: 1 # x\n  lr_scheduler_type: 'linear'\noutput: >\n  runs\n`;
  fc.assert(
    fc.property(fc.nat(text.length), fc.nat(text.length), (end, offset) => {
      const { span, items: all } = complete({ path: file, text: text.slice(0, end), offset, models: [] });
      expect(span.end).toBeGreaterThanOrEqual(span.start);
      expect(new Set(all.map(({ insert }) => insert)).size).toBe(all.length);
    }),
    { numRuns: 150 },
  );
});
