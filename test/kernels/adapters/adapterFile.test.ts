/** @file Adapter folders against plans: PEFT's names, what survives a rewrite, and every refusal. */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadAdapter, loadInto, saveAdapter } from '../../../kernels/adapters/adapterFile';
import type { AdapterPlan } from '../../../kernels/adapters/plan';
import { planAdapter } from '../../../kernels/adapters/plan';
import { adapterMethods } from '../../../kernels/adapters/registry';
import { openSafetensors } from '../../../kernels/formats/safetensors';
import { SafetensorsWriter } from '../../../kernels/formats/safetensorsWriter';
import type { BaseModel } from '../../../kernels/models/baseModel';
import { openBaseModel } from '../../../kernels/models/baseModel';
import { KernelError } from '../../../kernels/protocol/errors';
import { Parameters } from '../../../kernels/trainer/parameters';
import type { Fields } from '../../../kernels/util/fields';
import { withDefaults } from '../../../kernels/util/fields';
import { randomValues, temporaryFolder, writeTinyModel } from '../../support/tinyModel';

const golden = path.join(__dirname, '../../golden');
const opened: BaseModel[] = [];
const open = (dir: string): BaseModel => {
  const model = openBaseModel(dir);
  opened.push(model);
  return model;
};
afterAll(() => opened.forEach((model) => model.checkpoint.close()));

const tiny = open(writeTinyModel({ config: { attention_bias: true } }));
const tied = open(writeTinyModel({ config: { tie_word_embeddings: true } }));

describe('an adapter that PEFT wrote', () => {
  const model = open(path.join(golden, 'bases/qwen2'));
  const dir = path.join(golden, 'cases/02-lora-qwen2-qkv/adapter_final');

  it('loads with the configuration and values of its files', () => {
    const { method, config, plan, parameters, warnings } = loadAdapter(dir, model);
    expect(method.id).toBe('lora');
    expect(config).toMatchObject({ target_modules: ['k_proj', 'q_proj', 'v_proj'], bias: 'none', use_rslora: false });
    expect(plan.layers).toHaveLength(6);
    expect(warnings).toEqual([]);
    const file = openSafetensors(path.join(dir, 'adapter_model.safetensors'));
    const name = 'base_model.model.model.layers.1.self_attn.v_proj.lora_B.weight';
    expect(parameters.get('model.layers.1.self_attn.v_proj.lora_B')).toEqual(file.readF32(name));
    file.close();
  });

  it('is written back byte for byte, keys that mean nothing here included', () => {
    const changed = copyOf(dir, (config) => ({ ...config, my_own_key: { a: [1, 2] }, revision: 'main' }));
    const { plan, parameters, configText } = loadAdapter(changed, model);
    const out = temporaryFolder();
    saveAdapter(out, plan, parameters, { baseModelPath: 'qwen2', preserve: configText });
    expect(readJson(out)).toEqual(readJson(changed));
    const bytes = (folder: string): Buffer => readFileSync(path.join(folder, 'adapter_model.safetensors'));
    expect(bytes(out).equals(bytes(dir))).toBe(true);
  });

  it('is refused for another base model, with the tensor, both shapes and a question', () => {
    expect(() => loadAdapter(dir, open(path.join(golden, 'bases/llama-rope3')))).toThrow(
      /of model\.layers\.0\.self_attn\.\w+: is \[\d+, \d+\]; expected \[\d+, \d+\].*is this adapter for another base model\?/s,
    );
  });

  it('with options that are idle on this model loads with a warning', () => {
    const changed = copyOf(dir, (config) => ({ ...config, rank_pattern: { nothing: 3 }, exclude_modules: ['nobody'] }));
    expect(loadAdapter(changed, model).warnings.map((w) => w.where)).toEqual(['exclude_modules', 'rank_pattern']);
  });

  it.each([
    ['peft_type', 'LOHA'],
    ['layer_replication', [[0, 1]]],
    ['trainable_token_indices', [3]],
    ['init_lora_weights', 'pissa'],
  ])('with %s %j is refused by name', (key, value) => {
    const changed = copyOf(dir, (config) => ({ ...config, [key]: value }));
    expect(() => loadAdapter(changed, model)).toThrow(new RegExp(key));
    expect(codeOf(() => loadAdapter(changed, model))).toBe('adapter/unsupported');
  });

  it('with factors that are not finite is refused', () => {
    const changed = copyOf(dir, (config) => config);
    const { plan, parameters } = loadAdapter(dir, model);
    const damaged = new Map([...parameters].map(([key, values]) => [key, values.slice()]));
    damaged.get('model.layers.0.self_attn.q_proj.lora_A')?.fill(NaN, 0, 1);
    saveAdapter(changed, plan, damaged, { baseModelPath: 'qwen2' });
    expect(() => loadAdapter(changed, model)).toThrow(
      /q_proj\.lora_A\.weight: holds 1 NaN value, the first at \[0, 0\]/,
    );
  });
});

describe('a saved adapter', () => {
  it('names biases and saved modules as PEFT does', () => {
    const plan = planOn(tiny, { target_modules: ['q_proj'], bias: 'all', modules_to_save: ['lm_head'] });
    expect(
      namesOf(save(plan))
        .filter((name) => !name.includes('lora_'))
        .sort(),
    ).toEqual(
      [0, 1]
        .flatMap((layer) =>
          ['k_proj.bias', 'o_proj.bias', 'q_proj.base_layer.bias', 'v_proj.bias'].map((p) => `${layer}.self_attn.${p}`),
        )
        .map((name) => `base_model.model.model.layers.${name}`)
        .concat('base_model.model.lm_head.weight')
        .sort(),
    );
  });

  it('with a tied head that is saved holds the head alone', () => {
    const plan = planOn(tied, { modules_to_save: ['lm_head'] });
    expect(namesOf(save(plan)).filter((name) => !name.includes('lora_'))).toEqual(['base_model.model.lm_head.weight']);
  });

  it.each([
    ['all-linear', { target_modules: 'all-linear' }],
    ['all-linear without some', { target_modules: 'all-linear', exclude_modules: ['k_proj'] }],
    ['all-linear of one block', { target_modules: 'all-linear', layers_to_transform: [1] }],
    ['an expression in one block', { target_modules: '.*_proj', layers_to_transform: 0 }],
  ])('writes %s as the modules it stands for, and reloads to the same plan', (_, config) => {
    const plan = planOn(tiny, config);
    const dir = save(plan);
    expect(readJson(dir).target_modules).toEqual(plan.layers.map((l) => l.site.path));
    expect(loadAdapter(dir, tiny).plan.trained).toEqual(plan.trained);
  });

  it.each([
    ['q_proj', ['q_proj', 'mlp.up_proj']],
    ['expression', '.*(q|v)_proj'],
  ])('writes targets given as %s as they are', (_, target_modules) => {
    expect(readJson(save(planOn(tiny, { target_modules }))).target_modules).toEqual(target_modules);
  });
});

describe('starting from another adapter', () => {
  const plan = planOn(tiny, { target_modules: ['q_proj', 'v_proj'], r: 4, lora_alpha: 8 });
  const dir = save(plan);
  const start = (config: Readonly<Record<string, unknown>>): Parameters => {
    const own = planOn(tiny, { target_modules: ['q_proj', 'v_proj'], r: 4, lora_alpha: 8, ...config });
    const parameters = new Parameters(own).initialise(tiny, 9);
    loadInto(dir, own, parameters);
    return parameters;
  };

  it('takes its factors', () => expect(start({}).trained).toEqual(valuesOf(plan).trained));

  it('keeps the start of what only the new one trains', () => {
    const parameters = start({ modules_to_save: ['lm_head'], lora_dropout: 0.3 });
    expect(parameters.get('lm_head.weight')).toEqual(tiny.checkpoint.readF32('lm_head.weight'));
  });

  it.each([
    ['another rank', { r: 8, lora_alpha: 16 }, /r: is 4 for .*; expected 8, as here/],
    ['another alpha', { lora_alpha: 16 }, /lora_alpha: is 8 for .*; expected 16, as here/],
    ['more targets', { target_modules: ['q_proj', 'v_proj', 'k_proj'] }, /k_proj.*is missing/],
    ['fewer targets', { target_modules: ['q_proj'] }, /v_proj.*has no place/],
  ])('is refused with %s', (_, config, message) => expect(() => start(config)).toThrow(message));

  it('is refused when the other one holds another method', () => {
    const dora = adapterMethods.find((m) => m.id === 'dora');
    if (!dora) return;
    const own = planAdapter(dora, withDefaults(dora.config as Fields, { target_modules: ['q_proj', 'v_proj'] }), tiny);
    expect(() => loadInto(dir, own, new Parameters(own))).toThrow(/this holds a LoRA adapter; expected DoRA/);
  });
});

it('a tensor that the configuration does not name is not dropped silently', () => {
  const plan = planOn(tiny, { target_modules: ['q_proj'] });
  const dir = save(plan);
  const file = path.join(dir, 'adapter_model.safetensors');
  const source = openSafetensors(file);
  const tensors = [...source.tensors.values()].map(({ name, shape }) => ({
    name,
    shape,
    values: source.readF32(name),
  }));
  source.close();
  tensors.push({ name: 'base_model.model.lm_head.weight', shape: [37, 16], values: new Float32Array(37 * 16) });
  const writer = SafetensorsWriter.create(
    file,
    tensors.map(({ name, shape }) => ({ name, shape, dtype: 'F32' })),
  );
  for (const { name, values } of tensors) writer.writeF32(name, values);
  writer.commit();
  expect(() => loadAdapter(dir, tiny)).toThrow(/lm_head\.weight: is stored with the adapter/);
});

function planOn(model: BaseModel, config: Readonly<Record<string, unknown>>): AdapterPlan {
  const lora = adapterMethods.find((m) => m.id === 'lora');
  if (!lora) throw new Error('LoRA is not registered');
  return planAdapter(lora, withDefaults(lora.config as Fields, config), model);
}

function valuesOf(plan: AdapterPlan): Parameters {
  const parameters = new Parameters(plan);
  plan.trained.forEach((t, i) => parameters.set(t.key, randomValues(t.shape, i + 1)));
  return parameters;
}

function save(plan: AdapterPlan): string {
  const dir = temporaryFolder();
  saveAdapter(dir, plan, valuesOf(plan), { baseModelPath: tiny.dir });
  return dir;
}

function namesOf(dir: string): readonly string[] {
  const file = openSafetensors(path.join(dir, 'adapter_model.safetensors'));
  file.close();
  return [...file.tensors.keys()];
}

type Json = Readonly<Record<string, unknown>>;

const readJson = (dir: string): Json => JSON.parse(readFileSync(path.join(dir, 'adapter_config.json'), 'utf8')) as Json;

function copyOf(dir: string, change: (config: Json) => Json): string {
  const copy = temporaryFolder();
  cpSync(dir, copy, { recursive: true });
  writeFileSync(path.join(copy, 'adapter_config.json'), JSON.stringify(change(readJson(dir))));
  return copy;
}

function codeOf(work: () => unknown): string | undefined {
  try {
    work();
  } catch (error) {
    if (KernelError.is(error)) return error.code;
  }
  return undefined;
}
