/** @file Adapter folders: those of PEFT come out as they went in; older layouts are read; what would be misread is refused. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  isPeftAdapter,
  newPeftLoraConfig,
  readPeftAdapter,
  writePeftAdapter,
  type LoraParameter,
  type PeftTensor,
} from '../../../kernels/formats/peft';
import { SafetensorsWriter } from '../../../kernels/formats/safetensorsWriter';
import { KernelError } from '../../../kernels/protocol/errors';

const golden = join(import.meta.dirname, '../../golden/cases');
const fixtures = join(import.meta.dirname, 'fixtures/peft');
let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'peft-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const configOf = (dir: string): string => readFileSync(join(dir, 'adapter_config.json'), 'utf8');
const weightsOf = (dir: string): Buffer => readFileSync(join(dir, 'adapter_model.safetensors'));

const fromPeft = ['bias_all', 'bias_only', 'embed_dora', 'lora_bias', 'save_norm'].map((name) => join(fixtures, name));
const fromGolden = [
  '02-lora-llama-qv/adapter_init',
  '02-lora-llama-qv/adapter_final',
  '02-rslora-llama/adapter_final',
  '11-src-dora-r8/adapter_final',
].map((name) => join(golden, name));

test.each(fromPeft)('%s, written by PEFT, comes out byte for byte', (dir) => {
  const adapter = readPeftAdapter(dir);
  expect(adapter.warnings).toEqual([]);
  writePeftAdapter(join(folder, 'out'), adapter, adapter.configText);
  expect(configOf(join(folder, 'out'))).toBe(configOf(dir));
  expect(Buffer.compare(weightsOf(join(folder, 'out')), weightsOf(dir))).toBe(0);
});

test.each(fromGolden)('%s keeps its tensors byte for byte and its configuration in content and order', (dir) => {
  const adapter = readPeftAdapter(dir);
  expect(adapter.warnings).toEqual([]);
  writePeftAdapter(folder, adapter, adapter.configText);
  expect(JSON.stringify(JSON.parse(configOf(folder)))).toBe(JSON.stringify(JSON.parse(configOf(dir))));
  expect(Buffer.compare(weightsOf(folder), weightsOf(dir))).toBe(0);
});

test('tensors are found by module and parameter, whole base tensors by their checkpoint name', () => {
  const { tensors, extra, config } = readPeftAdapter(join(fixtures, 'bias_all'));
  const q = tensors.get('model.layers.0.self_attn.q_proj');
  expect([...tensors.keys()]).toEqual(['model.layers.0.self_attn.q_proj']);
  expect(q?.get('lora_A')?.shape).toEqual([2, 16]);
  expect(q?.get('lora_B')?.data).toEqual(new Float32Array(32));
  expect([...extra.keys()]).toEqual(
    ['k_proj', 'o_proj', 'q_proj', 'v_proj'].map((m) => `model.layers.0.self_attn.${m}.bias`),
  );
  expect(config).toMatchObject({ r: 2, bias: 'all', target_modules: ['q_proj'], lora_dropout: 0, peft_type: 'LORA' });
});

test('a new adapter has the fields of a LoRA, sorted, and reads back', () => {
  const config = newPeftLoraConfig({
    r: 4,
    lora_alpha: 32,
    target_modules: ['q_proj'],
    task_type: 'CAUSAL_LM',
    lora_dropout: 0.05,
  });
  const lora_A = { shape: [4, 2], data: Float32Array.from({ length: 8 }, (_, i) => i) };
  const lora_B = { shape: [3, 4], data: new Float32Array(12) };
  const tensors = new Map([
    [
      'h.0',
      new Map<LoraParameter, PeftTensor>([
        ['lora_B', lora_B],
        ['lora_A', lora_A],
      ]),
    ],
  ]);
  writePeftAdapter(folder, { config, tensors, extra: new Map() });
  expect(isPeftAdapter(folder)).toBe(true);
  const read = readPeftAdapter(folder);
  expect(read.config).toEqual(config);
  expect(read.tensors.get('h.0')?.get('lora_A')).toMatchObject({ ...lora_A, dtype: 'F32' });
  const keys = Object.keys(read.rawConfig);
  expect(keys).toEqual([...keys].sort());
  expect(keys).toEqual(
    expect.arrayContaining(['base_model_name_or_path', 'revision', 'inference_mode', 'use_dora', 'peft_version']),
  );
  expect(configOf(folder)).toContain('"lora_dropout": 0.05,');
});

test('unknown keys survive with their spelling and are warned about; changed fields are written', () => {
  const source =
    '{"peft_type": "LORA", "my_note": {"x": [1.0, 1e-05, 12345678901234567890]}, "lora_dropout": 0.0, "r": 2}';
  writeAdapter(source, { 'm.lora_A.weight': [2, 3], 'm.lora_B.weight': [3, 2] });
  const adapter = readPeftAdapter(folder);
  expect(adapter.warnings.map((w) => w.where)).toEqual(['my_note']);
  expect(adapter.config).toMatchObject({ r: 2, lora_alpha: 8, target_modules: null });
  writePeftAdapter(
    join(folder, 'out'),
    { ...adapter, config: { ...adapter.config, lora_alpha: 7 } },
    adapter.configText,
  );
  const text = configOf(join(folder, 'out')).replace(/\s+/g, ' ');
  expect(text).toContain('"my_note": { "x": [ 1.0, 1e-05, 12345678901234567890 ] }');
  expect(text).toContain('"lora_alpha": 7,');
  expect(text).toContain('"lora_dropout": 0.0,');
});

test('16-bit adapters stay 16-bit', () => {
  writeAdapter('{"peft_type": "LORA"}', { 'm.lora_A.weight': [1, 2], 'm.lora_B.weight': [2, 1] }, 'BF16');
  const adapter = readPeftAdapter(folder);
  writePeftAdapter(join(folder, 'out'), adapter);
  expect(readPeftAdapter(join(folder, 'out'))).toMatchObject({ tensors: adapter.tensors });
  expect(adapter.tensors.get('m')?.get('lora_A')?.dtype).toBe('BF16');
});

test('older layouts mean the same as the current one', () => {
  const current = {
    'a.b.lora_A.weight': [1, 4],
    'a.b.lora_B.weight': [3, 1],
    'a.b.lora_magnitude_vector': [3],
    'head.weight': [2, 2],
  };
  const layouts: Record<string, readonly number[]>[] = [
    prefixed(current, 'base_model.model.'),
    current,
    {
      'base_model.model.a.b.lora_A.old.weight': [1, 4],
      'base_model.model.a.b.lora_B.old.weight': [3, 1],
      'base_model.model.a.b.lora_magnitude_vector.old.weight': [3],
      'base_model.model.head.modules_to_save.old.weight': [2, 2],
    },
    { ...current, ...{ 'a.b.lora_magnitude_vector': undefined }, 'a.b.weight_m_wdecomp.weight': [3, 1] },
  ].map(
    (layout) => Object.fromEntries(Object.entries(layout).filter(([, shape]) => shape)) as Record<string, number[]>,
  );
  const read = layouts.map((layout) => {
    writeAdapter('{"peft_type": "LORA", "use_dora": true}', layout);
    const { tensors, extra } = readPeftAdapter(folder);
    return {
      shapes: [...tensors].map(([m, params]) => [m, [...params].map(([p, t]) => [p, t.shape]).sort()]),
      extra: [...extra].map(([name, t]) => [name, t.shape]),
    };
  });
  for (const other of read) expect(other).toEqual(read[0]);
  expect(read[0]?.extra).toEqual([['head.weight', [2, 2]]]);
});

describe('refused', () => {
  const tensors = { 'm.lora_A.weight': [2, 3], 'm.lora_B.weight': [3, 2] };

  test.each([
    ['{"r": 2}', 'adapter/unsupported', /peft_type: it is missing; expected LORA or VERA or BASE_TENSORS/],
    [
      '{"peft_type": "LOHA"}',
      'adapter/unsupported',
      /an adapter of the string "LOHA"; expected LORA or VERA or BASE_TENSORS/,
    ],
    ['{"peft_type": "LORA", "use_qalora": true}', 'adapter/unsupported', /use_qalora: true/],
    ['{"peft_type": "LORA", "use_mora": true}', 'format/invalid', /mora_type: is missing/],
    ['{"peft_type": "LORA", "layer_replication": [[0, 2]]}', 'adapter/unsupported', /layer_replication: a list of 1/],
    [
      '{"peft_type": "LORA", "init_lora_weights": "pissa_niter_4"}',
      'adapter/unsupported',
      /also changes the base weights/,
    ],
    ['{"peft_type": "LORA", "r": 0}', 'format/invalid', /r: the number 0; expected a whole number from 1/],
    ['{"peft_type": "LORA", "bias": "some", "use_dora": 1}', 'format/invalid', /bias: .*\n.*use_dora: the number 1/],
    ['{"peft_type": "LORA", "target_modules": ["q", 3]}', 'format/invalid', /target_modules: a list of 2/],
    ['{"peft_type": "LORA", "rank_pattern": {"q": 1.5}}', 'format/invalid', /rank_pattern/],
    ['{"peft_type": "LORA"', 'format/invalid', /adapter_config.json:1: the text ends/],
  ])('the configuration %s', (config, code, message) => {
    writeAdapter(config, tensors);
    expect(refusal()).toMatchObject({ code, message: expect.stringMatching(message) as string });
  });

  test.each([
    [{ 'm.lora_A.weight': [2, 3] }, /m: lora_A alone; expected lora_B beside it/],
    [{ 'm.lora_A.weight': [2, 3], 'm.lora_B.weight': [3, 4] }, /lora_A \[2, 3\] and lora_B \[3, 4\]/],
    [{ ...tensors, 'm.lora_diag.weight': [2] }, /m.lora_diag.weight: a tensor of an adapter that is not known/],
    [{ ...tensors, 'base_model.model.m.lora_A.weight': [2, 3] }, /a second lora_A of m/],
    [{ 'm.lora_A.x.weight': [2, 3], 'm.lora_B.y.weight': [3, 2] }, /adapters named x, y/],
  ] as [Record<string, number[]>, RegExp][])('the tensors %j', (shapes, message) => {
    writeAdapter('{"peft_type": "LORA"}', shapes);
    expect(refusal().message).toMatch(message);
  });

  test('integers as weights', () => {
    writeAdapter('{"peft_type": "LORA"}', tensors, 'I32');
    expect(refusal().message).toMatch(/m.lora_A.weight: I32 values; expected F32/);
  });

  test('pickle weights, a folder without an adapter, no folder', () => {
    writeFileSync(join(folder, 'adapter_model.bin'), 'never read');
    expect(refusal().message).toMatch(/only pickle weights/);
    rmSync(join(folder, 'adapter_model.bin'));
    expect(refusal().message).toMatch(/no adapter weights; expected adapter_model.safetensors/);
    writeAdapter('', tensors);
    rmSync(join(folder, 'adapter_config.json'));
    expect(refusal().message).toMatch(/adapter_config.json: there is no such file/);
    rmSync(folder, { recursive: true });
    expect(refusal().message).toMatch(/no such folder/);
    mkdirSync(folder);
  });
});

function prefixed(
  tensors: Readonly<Record<string, readonly number[]>>,
  prefix: string,
): Record<string, readonly number[]> {
  return Object.fromEntries(Object.entries(tensors).map(([name, shape]) => [prefix + name, shape]));
}

function writeAdapter(
  config: string,
  shapes: Readonly<Record<string, readonly number[]>>,
  dtype: 'F32' | 'BF16' | 'I32' = 'F32',
): void {
  writeFileSync(join(folder, 'adapter_config.json'), config);
  const specs = Object.entries(shapes).map(([name, shape]) => ({ name, dtype, shape }));
  const writer = SafetensorsWriter.create(join(folder, 'adapter_model.safetensors'), specs);
  for (const { name, shape } of specs) {
    const size = shape.reduce((n, d) => n * d, 1);
    if (dtype === 'I32') writer.write(name, new Uint8Array(4 * size));
    else
      writer.writeF32(
        name,
        Float32Array.from({ length: size }, (_, i) => i / 4),
      );
  }
  writer.commit();
}

function refusal(): KernelError {
  try {
    readPeftAdapter(folder);
  } catch (error) {
    if (KernelError.is(error)) return error;
    throw error;
  }
  throw new Error('the adapter was read');
}
