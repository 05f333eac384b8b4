import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadConfig, methodConfig } from '../../../kernels/config/loadConfig';
import { formatProblem } from '../../../kernels/protocol/errors';
import { loraFields, methods } from './loraMethod';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'config-'));
  mkdirSync(join(folder, 'base'));
  mkdirSync(join(folder, 'not-a-base'));
  writeFileSync(join(folder, 'base', 'config.json'), '{}');
  for (const name of ['train.jsonl', 'more.jsonl', 'eval.jsonl', 'notes.txt']) writeFileSync(join(folder, name), '');
});
afterAll(() => rmSync(folder, { recursive: true }));

const minimal = 'version: 1\nmodel: base\ndata:\n  train: train.jsonl\nadapter:\n  method: lora\n';

/** Problems of a text as `line: where: found; expected`. */
function problemsOf(text: string, overrides: readonly string[] = []): string[] {
  const file = join(folder, 'x.adapter.yaml');
  const { config, problems } = loadConfig(file, { text, overrides, methods });
  expect(config === undefined).toBe(problems.some((p) => p.severity === 'error'));
  return problems.map((p) => formatProblem(p).replace(`${file}:`, '').trim());
}

function configOf(text: string, overrides: readonly string[] = []) {
  const { config, problems } = loadConfig(join(folder, 'x.adapter.yaml'), { text, overrides, methods });
  expect(problems.map(formatProblem)).toEqual([]);
  if (!config) throw new Error('no configuration');
  return config;
}

describe('a valid configuration', () => {
  test('gets every default and absolute paths', () => {
    const config = configOf(minimal);
    expect(config.model).toBe(join(folder, 'base'));
    expect(config.output).toBe(join(folder, 'runs'));
    expect(config.data).toMatchObject({
      train: [join(folder, 'train.jsonl')],
      eval: undefined,
      format: 'auto',
      loss_on: 'completion',
      max_length: 1024,
    });
    expect(config.adapter).toMatchObject({ method: 'lora', r: 8, lora_alpha: 16, target_modules: 'all-linear' });
    expect(config.training).toMatchObject({ learning_rate: 2e-4, num_train_epochs: 3, max_steps: undefined, seed: 42 });
    expect(config.runtime).toEqual({ device: 'auto', precision: 'f32', threads: 'auto' });
  });

  test('gives the method its own keys with their types', () => {
    const config = configOf(`${minimal}  r: 4\n  target_modules: [q_proj, v_proj]\n  rank_pattern: { q_proj: 2 }\n`);
    const own = methodConfig({ config: loraFields }, config);
    const rank: number = own.r;
    expect(rank).toBe(4);
    expect(own.target_modules).toEqual(['q_proj', 'v_proj']);
    expect(own.rank_pattern).toEqual({ q_proj: 2 });
    expect(own.use_rslora).toBe(false);
  });

  test('takes lists of files, an alias and a byte order mark', () => {
    const config = configOf(
      '\uFEFF' + minimal.replace('train.jsonl', '[train.jsonl, &more more.jsonl]\n  eval: eval.jsonl'),
    );
    expect(config.data.train).toEqual([join(folder, 'train.jsonl'), join(folder, 'more.jsonl')]);
    expect(config.data.eval).toEqual([join(folder, 'eval.jsonl')]);
  });

  test('reads a section without keys as an absent one', () => {
    expect(configOf(`${minimal}training:\n`).training.max_grad_norm).toBe(1);
  });

  test('has no empty section that would do nothing: restarts without a length, samples without prompts', () => {
    for (const empty of ['', ' {}']) {
      expect(problemsOf(`${minimal}relora:${empty}\nsamples:${empty}\ntraining:${empty}\nruntime:${empty}\n`)).toEqual([
        expect.stringMatching(/^7: relora: this section is empty .* write relora.every, .* or remove this section$/),
        expect.stringMatching(/^8: samples: this section is empty .* write samples.prompts, or remove this section$/),
      ]);
    }
  });

  test('has no number of epochs when it has a number of steps', () => {
    const { training } = configOf(`${minimal}training:\n  max_steps: 10\n`);
    expect(training.max_steps).toBe(10);
    expect(training.num_train_epochs).toBeUndefined();
  });

  test('is read from disk, and each value can be found in it', () => {
    const file = join(folder, 'disk.adapter.yaml');
    writeFileSync(file, `# comment\n${minimal}`);
    const { config, locate } = loadConfig(file, { methods });
    expect(config?.adapter.method).toBe('lora');
    expect(locate(['adapter', 'method'])).toEqual({ line: 7, column: 11, endLine: 7, endColumn: 15 });
    expect(locate(['adapter', 'r'])).toEqual({ line: 6, column: 1, endLine: 6, endColumn: 8 });
  });
});

describe('a refused configuration', () => {
  test('names the nearest key for an unknown one', () => {
    const text = `${minimal}training:\n  lr: 1\n  batch_size: 2\n  warmup_step: 3\n  learing_rate: 4\nruntme: {}\n`;
    expect(problemsOf(text)).toEqual([
      '8: training.lr: found the unknown key "lr"; the nearest known key is "learning_rate"',
      '9: training.batch_size: found the unknown key "batch_size"; the nearest known key is "per_device_train_batch_size"',
      '10: training.warmup_step: found the unknown key "warmup_step"; the nearest known key is "warmup_steps"',
      '11: training.learing_rate: found the unknown key "learing_rate"; the nearest known key is "learning_rate"',
      '12: runtme: found the unknown key "runtme"; the nearest known key is "runtime"',
    ]);
  });

  test('guesses only what was very likely meant, and says where words of the field live here', () => {
    const expectedOf = (lines: string): string | undefined =>
      problemsOf(`${minimal.replace('  method: lora\n', '')}${lines}`)[0]?.replace(/^[^;]*; /, '');
    const METHODS = 'expected one of lora, dora';
    expect(expectedOf('  method: lroa\n')).toBe(`${METHODS} (nearest: lora)`);
    expect(expectedOf('  method: DoRA-v2\n')).toBe(`${METHODS} (nearest: dora)`);
    expect(expectedOf('  method: ia3\n')).toBe(METHODS);
    expect(expectedOf('  method: relora\n')).toBe(
      `ReLoRA is the section relora beside any method whose merge is exact: adapter.method: lora, relora.every: 200; ${METHODS}`,
    );
    expect(expectedOf('  method: lora_plus\n')).toMatch(/^LoRA\+ is a rule .*training.loraplus_lr_ratio: 4; expected/);
    expect(expectedOf('  method: LoRA+\n')).toBe(expectedOf('  method: loraplus\n'));
    expect(expectedOf('  method: rs-lora\n')).toMatch(
      /^rsLoRA is written as adapter.method: lora, adapter.use_rslora: true/,
    );
    // The method that it would be is not among these.
    expect(expectedOf('  method: full_finetuning\n')).toBe(METHODS);
    expect(expectedOf('  method: lora\n  rank: 4\n')).toBe('the rank is written as r');
    expect(expectedOf('  method: lora\n  use_dora: true\n')).toBe('DoRA is written as adapter.method: dora');
    expect(expectedOf('  method: lora\n  relora: { every: 4 }\n')).toBe('expected it at the top level');
    expect(expectedOf('  method: lora\n  task_type: CAUSAL_LM\n')).toMatch(/^the task follows from the model/);
    expect(expectedOf('  method: lora\ntraining:\n  bf16: true\n')).toMatch(/^it is computed in float32/);
    expect(expectedOf('  method: lora\ntraining:\n  max_seq_length: 8\n')).toBe('it is written as data.max_length');
    expect(expectedOf('  method: lora\nfoo: 1\n')).toMatch(/^expected one of version, model, /);
    expect(expectedOf('  method: lora\ntraining:\n  lr_scheduler_type: constant_with_warmup\n')).toMatch(
      /^constant_with_warmup is written as training.lr_scheduler_type: constant, training.warmup_steps: 10;/,
    );
  });

  test('says where a key belongs that stands in the wrong place', () => {
    expect(problemsOf(`${minimal}  detach_norm: true\n  seed: 1\ntraining:\n  output: x\n`)).toEqual([
      '7: adapter.detach_norm: found the unknown key "detach_norm"; this key belongs to method dora',
      '8: adapter.seed: found the unknown key "seed"; expected it under "training"',
      '10: training.output: found the unknown key "output"; expected it at the top level',
    ]);
  });

  test('says what was found and what was expected for a wrong value', () => {
    const text = `${minimal}  r: 0
  bias: none
  target_modules: [q_proj, 5]
  rank_pattern: { q_proj: half }
training:
  learning_rate: fast
  adam_beta1: 1
  seed: 1.5
  shuffle: 'yes'
  lr_scheduler_type: cosin
  max_grad_norm: .inf
runtime:
  threads: many
`;
    expect(problemsOf(text)).toEqual([
      '7: adapter.r: found the number 0; expected an integer from 1 to 4096',
      '9: adapter.target_modules.1: found the number 5; expected text',
      '10: adapter.rank_pattern.q_proj: found the text "half"; expected an integer of at least 1',
      '12: training.learning_rate: found the text "fast"; expected a number above 0 and of at most 10',
      '13: training.adam_beta1: found the number 1; expected a number of at least 0 and below 1',
      '14: training.seed: found the number 1.5; expected an integer from 0 to 4294967295',
      '15: training.shuffle: found the text "yes"; expected true or false',
      '16: training.lr_scheduler_type: found the text "cosin"; expected one of linear, cosine, constant, cosine_restarts, cyclical_cosine (nearest: cosine)',
      '17: training.max_grad_norm: found the number Infinity; expected a number from 0 to 1000000000',
      '19: runtime.threads: found the text "many"; expected auto, or an integer from 1 to 1024',
    ]);
  });

  test('lists what is missing', () => {
    expect(problemsOf('data: {}\nadapter:\n  r: 4\n')).toEqual([
      '1: version: this key is missing; expected 1',
      '1: model: this key is missing; expected the path of a folder',
      '1: data.train: this key is missing; expected the path of a .jsonl, .json, .parquet file, or a list, each item the path of a .jsonl, .json, .parquet file',
      '2: adapter.method: this key is missing; expected one of lora, dora',
    ]);
    expect(problemsOf('')).toEqual(['1: found nothing; expected the keys version, model, data and adapter']);
    expect(problemsOf('- a\n')).toEqual(['1: found a list of 1; expected the keys version, model, data and adapter']);
  });

  test('names the known methods for an unknown one', () => {
    expect(problemsOf(minimal.replace('lora', 'lorra'))).toEqual([
      '6: adapter.method: found the text "lorra"; expected one of lora, dora (nearest: lora)',
    ]);
  });

  test('says why a key has no effect in this combination', () => {
    const text = minimal.replace('train.jsonl\n', 'train.jsonl\n  format: text\n  loss_on: completion\n');
    const training =
      'training:\n  num_train_epochs: 1\n  max_steps: 5\n  eval_steps: 5\n  early_stopping_patience: 2\n';
    expect(problemsOf(text + training)).toEqual([
      '6: data.loss_on: this key has no effect here; samples of plain text have no completion and are learnt whole; write all, or remove this key',
      '10: training.num_train_epochs: this key has no effect here; training.max_steps already says how long to train; remove one of the two',
      '12: training.eval_steps: this key has no effect here; there is no evaluation data; write data.eval or data.eval_fraction, or remove this key',
      '13: training.early_stopping_patience: this key has no effect here; there is no evaluation data; write data.eval or data.eval_fraction, or remove this key',
    ]);
    expect(problemsOf(minimal.replace('train.jsonl', 'train.jsonl\n  eval: eval.jsonl\n  eval_fraction: 0.1'))).toEqual(
      [
        '6: data.eval_fraction: this key has no effect here; data.eval already says what to evaluate on; remove one of the two',
      ],
    );
  });

  test('warns about a warm-up that is longer than the run', () => {
    expect(problemsOf(`${minimal}training:\n  max_steps: 5\n  warmup_steps: 9\n`)).toEqual([
      '9: training.warmup_steps: found 9; the run ends after 5 steps, before the learning rate is reached',
    ]);
  });

  test('names paths that are not what their key asks for', () => {
    const text = `version: 1
model: not-a-base
data:
  train: [train.jsonl, gone.jsonl, notes.txt, base, ./train.jsonl]
  eval: more.jsonl
adapter: { method: lora, init_from: train.jsonl }
output: train.jsonl
`;
    expect(problemsOf(text)).toEqual([
      '2: model: not-a-base has no config.json; expected a checkpoint folder',
      `4: data.train.1: gone.jsonl does not exist; expected a file at ${join(folder, 'gone.jsonl')}`,
      '4: data.train.2: notes.txt has an unknown ending; expected one of .jsonl, .json, .parquet',
      '4: data.train.3: base is a folder; expected a file',
      '4: data.train.4: found ./train.jsonl for the second time; expected each file once',
      '6: adapter.init_from: train.jsonl is a file; expected an adapter folder',
      '7: output: train.jsonl is a file; expected a folder',
    ]);
  });

  test('warns when a file is both trained on and evaluated on', () => {
    expect(problemsOf(minimal.replace('train.jsonl', 'train.jsonl\n  eval: train.jsonl'))).toEqual([
      '5: data.eval: found train.jsonl for the second time; it is trained on as well, so this loss says little',
    ]);
  });

  test('gives the line of what is not YAML', () => {
    expect(problemsOf(`${minimal}  method: dora\n`)).toEqual([
      '7: found a key for the second time; expected each key once',
    ]);
    expect(problemsOf('version: 1\nmodel: [a\n')[0]).toMatch(
      /^3: not valid YAML: .*; expected keys and values in YAML$/,
    );
    expect(problemsOf(`${minimal}---\nversion: 1\n`)[0]).toMatch(/^7: found a second document/);
  });

  test('names the line that is not UTF-8', () => {
    const file = join(folder, 'latin1.adapter.yaml');
    writeFileSync(file, Buffer.from('version: 1\nmodel: caf\xe9\n', 'latin1'));
    expect(loadConfig(file, { methods }).problems.map((p) => [p.line, p.found])).toEqual([
      [2, 'found bytes that are not UTF-8 text'],
    ]);
    expect(loadConfig(join(folder, 'none.yaml'), { methods }).problems[0]?.found).toBe('there is no such file');
  });
});

describe('--set', () => {
  test('replaces a value of the file and is checked like one', () => {
    const config = configOf(`${minimal}  r: 8\n`, [
      'adapter.r=2',
      'adapter.rank_pattern.model.layers.0=3',
      'training.seed=7',
      'data.train=[more.jsonl]',
    ]);
    expect(config.adapter).toMatchObject({ r: 2, rank_pattern: { 'model.layers.0': 3 } });
    expect(config.training.seed).toBe(7);
    expect(config.data.train).toEqual([join(folder, 'more.jsonl')]);
    expect(problemsOf(minimal, ['adapter.r=none', 'training.sed=1', 'seed', 'model={'])).toEqual([
      expect.stringMatching(/--set seed: found no value; expected section\.key=value/),
      expect.stringMatching(/--set model: found a value that is not YAML/),
      expect.stringMatching(/--set training.sed: found the unknown key "sed"; the nearest known key is "seed"/),
      expect.stringMatching(/--set adapter.r: found the text "none"; expected an integer from 1 to 4096/),
    ]);
  });

  test('of __proto__ is an unknown key as any other', () => {
    expect(problemsOf(minimal, ['__proto__.x=5'])).toEqual([
      expect.stringMatching(/--set __proto__\.x: found the unknown key "__proto__"/),
    ]);
  });

  test('of null takes the key away, of any section, and the section with its last key', () => {
    const text = `${minimal}  target_modules: [q_proj]\n  r: 4\n  rank_pattern: { a: 2, b: 3 }\ntraining:\n  max_steps: 3\noutput: x\n`;
    const config = configOf(text, [
      'adapter.target_modules=null',
      'adapter.r=~',
      'adapter.rank_pattern.a=null',
      'training.max_steps=null',
      'output=null',
      'runtime=null',
    ]);
    expect(config.adapter).toMatchObject({ target_modules: 'all-linear', r: 8, rank_pattern: { b: 3 } });
    expect(config.training).toMatchObject({ max_steps: undefined, num_train_epochs: 3 });
    expect(config.output).toBe(join(folder, 'runs'));
    expect(configOf(`${minimal}relora:\n  every: 5\n`, ['relora.every=null']).relora.every).toBeUndefined();
  });

  test('of null leaves the alternative of the key in place', () => {
    const text = `${minimal}training:\n  num_train_epochs: 2\n`;
    expect(configOf(text, ['training.max_steps=null']).training.num_train_epochs).toBe(2);
  });

  test('of null takes away a key that only another method has, and none that no method has', () => {
    const text = `${minimal.replace('lora', 'dora')}  detach_norm: false\n`;
    expect(configOf(text, ['adapter.method=lora', 'adapter.detach_norm=null']).adapter.method).toBe('lora');
    expect(problemsOf(minimal, ['adapter.detach_norm=null'])).toEqual([]);
    expect(problemsOf(minimal, ['adapter.tarjet_modules=null', 'data.train=null', 'adapter.method=null'])).toEqual([
      expect.stringMatching(/--set data.train: this key is missing; expected the path/),
      expect.stringMatching(/--set adapter.method: this key is missing; expected one of lora, dora/),
    ]);
    expect(problemsOf(minimal, ['adapter.tarjet_modules=null'])).toEqual([
      expect.stringMatching(
        /--set adapter.tarjet_modules: found the unknown key .*nearest known key is "target_modules"/,
      ),
    ]);
  });

  test('of an empty value is refused and does not take the key away', () => {
    expect(problemsOf(minimal, ['adapter.r='])).toEqual([expect.stringMatching(/--set adapter.r: found no value;/)]);
  });

  test('of the number of steps takes the place of the number of epochs in the file', () => {
    const { training } = configOf(`${minimal}training:\n  num_train_epochs: 2\n`, ['training.max_steps=10']);
    expect([training.max_steps, training.num_train_epochs]).toEqual([10, undefined]);
  });
});

test.each([
  ['an alias that leads nowhere', 'version: 1\nmodel: *gone\n', /not valid YAML: unresolved alias/],
  [
    'aliases for billions of values',
    `a: &a [${'x,'.repeat(9)}]\n${'bcdefghij'
      .split('')
      .map((name, i) => `${name}: &${name} [${`*${'abcdefghi'[i]},`.repeat(9)}]\n`)
      .join('')}`,
    /not valid YAML: excessive alias count/,
  ],
  ['endless nesting', `a: ${'['.repeat(5000)}${']'.repeat(5000)}`, /not valid YAML: maximum call stack/],
])('%s is refused, not an exception', (_, text, found) => {
  const { config, problems } = loadConfig(join(folder, 'x.yaml'), { methods, text });
  expect(config).toBeUndefined();
  expect(problems[0]?.found).toMatch(found);
});
