/** @file Damaged adapters: each is found by `check`, in words, and accepted by neither merging, training nor inspecting. */
import './markedTexts';
import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { inspectAdapter } from '../../../kernels/inspect/inspectAdapter';
import { loadAdapter } from '../../../kernels/adapters/adapterFile';
import { merge } from '../../../kernels/merge/merge';
import { openBaseModel } from '../../../kernels/models/baseModel';
import { readConfig } from '../../../kernels/check/checkConfig';
import { prepareRun } from '../../../kernels/trainer/prepare';
import { trainingFixture } from '../../support/trainingFixture';
import {
  changeHeader,
  changeJson,
  check,
  copyOf,
  rawSafetensors,
  refusalOf,
  respecify,
  rewrite,
  writeAdapter,
} from './damage';

const fixture = trainingFixture();
const methods = { lora: path.join(fixture.folder, 'lora'), dora: path.join(fixture.folder, 'dora') };

beforeAll(() => {
  process.env.ADAPTER_STUDIO_CACHE = path.join(fixture.folder, 'cache');
  for (const method of ['lora', 'dora'] as const) {
    writeAdapter(methods[method], fixture.config(method, { adapter: { method } }));
  }
});

interface Damage {
  readonly name: string;
  make(dir: string): void;
  readonly says: RegExp;
  /** The adapter that is damaged; default: a LoRA. */
  readonly of?: keyof typeof methods;
  /** Found only when the base model is known. */
  readonly needsBase?: boolean;
  /** Values are read by whoever computes with them. */
  readonly isShown?: boolean;
}

const config = (dir: string): string => path.join(dir, 'adapter_config.json');
const weights = (dir: string): string => path.join(dir, 'adapter_model.safetensors');
const MODULE = 'model.layers.0.self_attn.q_proj';
const KEY = `base_model.model.${MODULE}`;

const field = (key: string, value: unknown, says: RegExp, more: Partial<Damage> = {}): Damage => ({
  name: `${key}: ${JSON.stringify(value)}`,
  make: (dir) => changeJson(config(dir), { [key]: value }),
  says,
  ...more,
});

const text = (name: string, content: string | Uint8Array, says: RegExp): Damage => ({
  name: `adapter_config.json ${name}`,
  make: (dir) => writeFileSync(config(dir), content),
  says,
});

const damages: readonly Damage[] = [
  text('that is empty', '', /adapter_config\.json: the file is empty/),
  text('that is cut off', '{"r": 3,\n', /adapter_config\.json:2: the text ends; expected a key/),
  text('that is a list', '[]', /adapter_config\.json: a list of 0; expected a JSON object/),
  text('with a key twice', '{"r": 3, "r": 4}', /"r" is repeated/),
  text('that is not UTF-8', Buffer.from([0xff]), /adapter_config\.json: this is not UTF-8/),
  { name: 'no configuration', make: (dir) => rmSync(config(dir)), says: /adapter_config\.json: there is no such file/ },
  {
    name: 'no weights',
    make: (dir) => rmSync(weights(dir)),
    says: /no adapter weights; expected adapter_model\.safetensors/,
  },
  {
    name: 'weights that are a link to nothing',
    make: (dir) => {
      rmSync(weights(dir));
      symlinkSync('gone', weights(dir));
    },
    says: /adapter_model\.safetensors: this link leads to nothing/,
  },
  { name: 'weights cut off', make: (dir) => truncateSync(weights(dir), 5000), says: /is the file cut off\?/ },
  {
    name: 'weights without tensors',
    make: (dir) => writeFileSync(weights(dir), rawSafetensors('{}')),
    says: /holds no tensors; expected those of an adapter/,
  },
  {
    name: 'only a pickle',
    make: (dir) => renameSync(weights(dir), path.join(dir, 'adapter_model.bin')),
    says: /only pickle weights \(adapter_model\.bin\); expected adapter_model\.safetensors; .*never opened here/,
  },
  {
    name: 'only a pickle of another ending',
    make: (dir) => renameSync(weights(dir), path.join(dir, 'adapter.pth')),
    says: /only pickle weights \(adapter\.pth\)/,
  },
  field('peft_type', 'IA3', /peft_type: an adapter of the string "IA3"; expected LORA/),
  field('peft_type', undefined, /peft_type: it is missing; expected LORA/),
  field('peft_type', 1, /peft_type: an adapter of the number 1; expected/),
  ...[0, -1, 1.5, '8', null, [8], 1e300].map((r) => field('r', r, /r: .*; expected a whole number from 1/)),
  field('r', 4, /has rank 3; expected 4, as adapter_config\.json says/),
  field('rank_pattern', { q_proj: 2 }, /q_proj: has rank 3; expected 2, as/),
  field(
    'rank_pattern',
    { q_proj: 0 },
    /rank_pattern: an object with 1 members; expected an object: each a whole number from 1/,
  ),
  field('rank_pattern', [1], /rank_pattern: a list of 1; expected an object/),
  field('rank_pattern', { '(': 3 }, /rank_pattern: "\(" is not a regular expression \(.*\); expected/),
  field('alpha_pattern', { q_proj: 'x' }, /alpha_pattern: .*; expected an object: each a finite number/),
  field('lora_alpha', '16', /lora_alpha: the string "16"; expected a finite number/),
  field('lora_alpha', null, /lora_alpha: null; expected/),
  text(
    'with an infinite alpha',
    '{"peft_type": "LORA", "lora_alpha": 1e999}',
    /lora_alpha: the number 1e999; expected a finite number/,
  ),
  field('lora_dropout', 1.5, /lora_dropout: the number 1\.5; expected a number from 0 to 1/),
  field('lora_dropout', -0.1, /lora_dropout: the number -0\.1; expected/),
  field('target_modules', 7, /target_modules: the number 7; expected a string or a list/),
  field('target_modules', ['q_proj', 3], /target_modules: a list of 2; expected/),
  field('target_modules', '(', /target_modules: "\(" is not a regular expression/, { needsBase: true }),
  field(
    'target_modules',
    ['c_attn'],
    /adapter_config\.json: target_modules: matches none of the 14 linear layers; this model has q_proj/,
    { needsBase: true },
  ),
  field(
    'target_modules',
    ['q_proj'],
    /lora_A of model\.layers\.0\.self_attn\.k_proj: has no place in this model's plan; expected/,
    { needsBase: true },
  ),
  field('layers_to_transform', -1, /layers_to_transform: the number -1; expected/),
  {
    name: 'layers that its tensors are not of',
    make: (dir) => changeJson(config(dir), { target_modules: ['q_proj', 'k_proj'], layers_to_transform: [0] }),
    says: /model\.layers\.1\..*: has no place in this model's plan/,
    needsBase: true,
  },
  field('modules_to_save', 'lm_head', /modules_to_save: the string "lm_head"; expected a list/),
  field('modules_to_save', ['lm_head'], /weight of lm_head: is missing; expected \[258, 16\]/, { needsBase: true }),
  field('bias', 'some', /bias: the string "some"; expected none or all or lora_only/),
  field('fan_in_fan_out', 'no', /fan_in_fan_out: the string "no"; expected true or false/),
  field('use_rslora', 'yes', /use_rslora: the string "yes"; expected true or false/),
  field('use_dora', 1, /use_dora: the number 1; expected true or false/),
  field(
    'use_dora',
    true,
    /lora_magnitude_vector of model\.layers\.0\.self_attn\.q_proj: is missing; expected it, as DoRA has it/,
  ),
  field('use_dora', false, /q_proj\.lora_magnitude_vector: a lora_magnitude_vector; expected the tensors of LoRA/, {
    of: 'dora',
  }),
  field('lora_bias', true, /lora_B\.bias of .*: is missing; expected it, as LoRA has it/),
  field('init_lora_weights', 'pissa', /init_lora_weights: pissa, which also changes the base weights; expected/),
  field('init_lora_weights', 'something', /init_lora_weights: the string "something"; expected true, false, gaussian/),
  field('layer_replication', [[0, 2]], /layer_replication: a list of 1; expected an adapter without it/),
  field('trainable_token_indices', [3], /trainable_token_indices: .*; expected an adapter without it/),
  field('base_model_name_or_path', 3, /base_model_name_or_path: the number 3; expected a string or null/),
  {
    name: 'a factor missing',
    make: (dir) => rewrite(weights(dir), (name) => (name === `${KEY}.lora_A.weight` ? null : undefined)),
    says: /model\.layers\.0\.self_attn\.q_proj: lora_B alone; expected lora_A beside it/,
  },
  {
    name: 'a module missing',
    make: (dir) => rewrite(weights(dir), (name) => (name.startsWith(KEY) ? null : undefined)),
    says: /lora_A of model\.layers\.0\.self_attn\.q_proj: is missing; expected \[3, 16\]/,
    needsBase: true,
  },
  {
    name: 'a magnitude missing',
    of: 'dora',
    make: (dir) => rewrite(weights(dir), (name) => (name === `${KEY}.lora_magnitude_vector` ? null : undefined)),
    says: /lora_magnitude_vector of model\.layers\.0\.self_attn\.q_proj: is missing/,
  },
  {
    name: 'a magnitude of another length',
    of: 'dora',
    make: (dir) =>
      respecify(weights(dir), (s) => (s.name === `${KEY}.lora_magnitude_vector` ? { ...s, shape: [2, 12] } : s)),
    says: /lora_magnitude_vector: is \[2, 12\]; expected \[24\]/,
  },
  {
    name: 'factors of different rank',
    make: (dir) => respecify(weights(dir), (s) => (s.name === `${KEY}.lora_B.weight` ? { ...s, shape: [36, 2] } : s)),
    says: /q_proj: lora_A \[3, 16\] and lora_B \[36, 2\]; expected lora_A \[rank, in\] and lora_B \[out, rank\]/,
  },
  {
    name: 'factors that are vectors',
    make: (dir) => respecify(weights(dir), (s) => (s.name === `${KEY}.lora_B.weight` ? { ...s, shape: [72] } : s)),
    says: /lora_B \[72\]; expected/,
  },
  {
    name: 'a factor of another width',
    make: (dir) =>
      respecify(weights(dir), (s) =>
        s.name.startsWith(KEY) ? { ...s, name: s.name.replace('layers.0', 'layers.7') } : s,
      ),
    says: /model\.layers\.7\.self_attn\.q_proj: has no place in this model's plan/,
    needsBase: true,
  },
  {
    name: 'a module that the base does not have',
    make: (dir) => respecify(weights(dir), (s) => ({ ...s, name: s.name.replace('self_attn.q_proj', 'attn.c_attn') })),
    says: /attn\.c_attn: has no place in this model's plan/,
    needsBase: true,
  },
  {
    name: 'one tensor under two names',
    make: (dir) =>
      changeHeader(weights(dir), (header) =>
        header.replace(`${KEY.replace('layers.0', 'layers.1')}.lora_A.weight`, `${MODULE}.lora_A.default.weight`),
      ),
    says: /a second lora_A of model\.layers\.0\.self_attn\.q_proj; expected one/,
  },
  {
    name: 'tensors of two adapters',
    make: (dir) =>
      respecify(weights(dir), (s) => ({
        ...s,
        name: s.name.replace('lora_A.weight', 'lora_A.one.weight').replace('lora_B.weight', 'lora_B.two.weight'),
      })),
    says: /keys: adapters named .*; expected the tensors of one adapter/,
  },
  {
    name: 'a tensor of another method',
    make: (dir) =>
      respecify(weights(dir), (s) => (s.name === `${KEY}.lora_A.weight` ? { ...s, name: `${KEY}.lora_E` } : s)),
    says: /lora_E: a tensor of an adapter that is not known here; expected/,
  },
  {
    name: 'a tensor of the base that nothing names',
    make: (dir) =>
      rewrite(weights(dir), () => undefined, [
        { name: 'base_model.model.lm_head.weight', dtype: 'F32', shape: [258, 16] },
      ]),
    says: /lm_head\.weight: is stored with the adapter; expected it to be named by modules_to_save or bias/,
    needsBase: true,
  },
  {
    name: 'whole numbers for a factor',
    make: (dir) =>
      changeHeader(weights(dir), (header) =>
        header.replace(new RegExp(`("${KEY}\\.lora_A\\.weight":\\{"dtype":)"F32"`), '$1"I32"'),
      ),
    says: /lora_A\.weight: I32 values; expected F32, F16, BF16 or F64/,
  },
  {
    name: 'NaN',
    make: (dir) =>
      rewrite(weights(dir), (name, values) => (name === `${KEY}.lora_A.weight` ? values.fill(NaN, 17, 18) : values)),
    says: /q_proj\.lora_A\.weight: holds 1 NaN value, the first at \[1, 1\]; expected finite values/,
    isShown: true,
  },
  {
    name: 'infinity',
    make: (dir) =>
      rewrite(weights(dir), (name, values) => (name === `${KEY}.lora_B.weight` ? values.fill(Infinity) : values)),
    says: /q_proj\.lora_B\.weight: holds 72 infinite values, the first at \[0, 0\]/,
    isShown: true,
  },
];

describe('an adapter with', () => {
  test.each(damages)('$name', async ({ make, says, of = 'lora', needsBase = false, isShown = false }) => {
    const dir = copyOf(methods[of], fixture.folder);
    make(dir);
    const { errors } = await check(dir, fixture.model);
    expect(errors.join('\n')).toMatch(says);
    expect(new Set(errors).size).toBe(errors.length);
    const out = path.join(fixture.folder, 'merged');
    await refusalOf(() => merge({ base: fixture.model, adapter: dir, out, dtype: 'keep' }));
    const file = fixture.config('from', { adapter: { method: of, init_from: dir } });
    await refusalOf(() => prepareRun(file, readConfig(file)).then((run) => run.close()));
    if (needsBase || isShown) return;
    const listed = await refusalOf(() => inspectAdapter(dir));
    expect(errors.some((line) => listed.includes(line))).toBe(true);
  });

  test('NaN has one problem', async () => {
    const dir = copyOf(methods.lora, fixture.folder);
    rewrite(weights(dir), (name, values) => (name === `${KEY}.lora_A.weight` ? values.fill(NaN) : values));
    expect((await check(dir, fixture.model)).errors).toHaveLength(1);
  });
});

interface Oddity {
  readonly name: string;
  make(dir: string): void;
  readonly warns?: RegExp;
}

const oddities: readonly Oddity[] = [
  { name: 'nothing wrong', make: () => undefined },
  {
    name: 'the names of older files',
    make: (dir) =>
      respecify(weights(dir), (s) => ({
        ...s,
        name: s.name.replace('base_model.model.', '').replace(/lora_([AB])\.weight/, 'lora_$1.default.weight'),
      })),
  },
  {
    name: 'factors in half precision',
    make: (dir) => respecify(weights(dir), (s) => ({ ...s, dtype: s.name.includes('lora_A') ? 'F16' : 'BF16' })),
  },
  { name: 'factors in double precision', make: (dir) => respecify(weights(dir), (s) => ({ ...s, dtype: 'F64' })) },
  {
    name: 'a field of another version',
    make: (dir) => changeJson(config(dir), { quiet_mode: 3 }),
    warns: /quiet_mode: the number 3; this field is not known here/,
  },
  {
    name: 'a target that the base lacks',
    make: (dir) =>
      changeJson(config(dir), {
        target_modules: ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj', 'c_attn'],
      }),
    warns: /target_modules: c_attn matches no linear layer/,
  },
  {
    name: 'fan_in_fan_out',
    make: (dir) => changeJson(config(dir), { fan_in_fan_out: true }),
    warns: /fan_in_fan_out: is true; expected false/,
  },
  {
    name: 'a base that is not on disk',
    make: (dir) => changeJson(config(dir), { base_model_name_or_path: 'someone/model' }),
  },
  {
    name: 'no field but the type and the rank',
    make: (dir) => writeFileSync(config(dir), '{"peft_type": "LORA", "r": 3, "target_modules": "all-linear"}'),
  },
  { name: 'a pickle beside it', make: (dir) => writeFileSync(path.join(dir, 'adapter_model.bin'), 'never read') },
  { name: 'dropout of 1', make: (dir) => changeJson(config(dir), { lora_dropout: 1 }) },
  { name: 'a folder beside it', make: (dir) => mkdirSync(path.join(dir, 'runs')) },
];

describe('legal but rare: an adapter with', () => {
  test.each(oddities)('$name', async ({ make, warns }) => {
    const dir = copyOf(methods.lora, fixture.folder);
    make(dir);
    const { errors, warnings } = await check(dir, fixture.model);
    expect(errors).toEqual([]);
    if (warns) expect(warnings.join('\n')).toMatch(warns);
    else expect(warnings).toEqual([]);
    expect((await inspectAdapter(dir)).modules).toHaveLength(14);
    const model = openBaseModel(fixture.model);
    expect(loadAdapter(dir, model).parameters.size).toBe(28);
    model.checkpoint.close();
  });

  test('no base to be found is a warning', async () => {
    const dir = copyOf(methods.lora, fixture.folder);
    changeJson(config(dir), { base_model_name_or_path: null });
    expect((await check(dir)).warnings.join()).toMatch(
      /base_model_name_or_path: names no base model; give it with --base DIR/,
    );
    expect(readFileSync(config(dir), 'utf8')).toContain('null');
  });
});
