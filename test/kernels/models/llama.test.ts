/** @file The llama family reads its own config.json: what is accepted, what is refused and named, what follows from it. */
import { cpSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { llama } from '../../../kernels/models/llama';
import { mistral } from '../../../kernels/models/mistral';
import { qwen2 } from '../../../kernels/models/qwen2';
import { architectureOf, architectures } from '../../../kernels/models/registry';
import { openBaseModel } from '../../../kernels/models/baseModel';
import { ropeFrequencies } from '../../../kernels/models/blocks/rope';
import { KernelError } from '../../../kernels/protocol/errors';
import { ModelRunner } from '../../../kernels/trainer/runner';
import { temporaryFolder, TINY_CONFIG, writeTinyModel } from '../../support/tinyModel';

type Json = Readonly<Record<string, unknown>>;
const parse = (fields: Json, family = llama) =>
  family.parseConfig({ ...TINY_CONFIG, ...fields }, 'config.json', () => true);

describe('config.json', () => {
  it('an architecture that is not supported is named, with those that are', () => {
    const ids = architectures.map((a) => a.id).join(', ');
    expect(() => architectureOf({ model_type: 'gptx' }, 'c.json')).toThrow(
      `c.json: model_type: is "gptx"; expected one of ${ids}`,
    );
    expect(() => architectureOf({}, 'c.json')).toThrow(/model_type: is missing/);
  });

  it.each([
    [{ hidden_act: 'gelu' }, 'hidden_act'],
    [{ attention_dropout: 0.1 }, 'attention_dropout'],
    [{ quantization_config: { bits: 4 } }, 'quantization_config'],
    [{ partial_rotary_factor: 0.5 }, 'partial_rotary_factor'],
    [{ rope_scaling: { rope_type: 'yarn', factor: 2 } }, 'rope_scaling.rope_type'],
    [{ rope_scaling: { rope_type: 'linear' } }, 'rope_scaling.factor'],
    [{ hidden_size: undefined }, 'hidden_size'],
    [{ num_hidden_layers: 1.5 }, 'num_hidden_layers'],
    [{ num_key_value_heads: 3 }, 'num_key_value_heads'],
    [{ head_dim: 5 }, 'head_dim'],
  ])('%j is refused by the name of its field', (fields, where) => {
    expect(problemsOf(fields)).toContain(where);
  });

  it('every problem is reported at once', () => {
    const found = problemsOf({ hidden_act: 'gelu', vocab_size: 0, head_dim: 3 });
    expect([...found].sort()).toEqual(['head_dim', 'hidden_act', 'vocab_size']);
  });

  it('a field that nobody knows is a warning, not a refusal', () => {
    expect(parse({ my_field: 3 }).warnings.map((w) => w.where)).toEqual(['my_field']);
    expect(parse({ transformers_version: '5', _name_or_path: 'x', pad_token_id: 0 }).warnings).toEqual([]);
  });

  it('head_dim follows from hidden_size unless it is given', () => {
    expect(parse({ head_dim: undefined }).config.headDim).toBe(4);
    expect(parse({ head_dim: null, num_key_value_heads: undefined }).config.kvHeads).toBe(4);
  });

  it('the families differ in their biases', () => {
    expect(parse({}, qwen2).config.biases).toEqual({ qkv: true, o: false, mlp: false });
    expect(parse({}, mistral).config.biases).toEqual({ qkv: false, o: false, mlp: false });
    expect(parse({ attention_bias: true, mlp_bias: true }).config.biases).toEqual({ qkv: true, o: true, mlp: true });
  });

  it('a sliding window is that of all layers in mistral, and of the later ones in qwen where it is switched on', () => {
    const windows = (fields: Json, family: typeof llama): readonly (number | null)[] =>
      parse(fields, family).config.rules.map(({ window }) => window);
    expect(windows({ sliding_window: 16 }, mistral)).toEqual([16, 16]);
    expect(windows({ sliding_window: null }, mistral)).toEqual([null, null]);
    expect(windows({}, mistral)).toEqual([4096, 4096]);
    expect(windows({ sliding_window: 16, max_window_layers: 0 }, qwen2)).toEqual([null, null]);
    const on = { sliding_window: 16, use_sliding_window: true };
    expect(windows({ ...on, max_window_layers: 1 }, qwen2)).toEqual([null, 16]);
    expect(windows({ ...on, layer_types: ['sliding_attention', 'full_attention'] }, qwen2)).toEqual([16, null]);
    expect(windows(on, qwen2)).toEqual([null, null]);
  });

  it('layer types that contradict the window are refused', () => {
    const types = { layer_types: ['full_attention', 'sliding_attention'] };
    expect(problemsOf(types, qwen2)).toEqual(['sliding_window']);
    expect(problemsOf({ ...types, sliding_window: 8 }, mistral)).toEqual(['layer_types']);
    expect(problemsOf({ layer_types: ['full_attention'] }, qwen2)).toEqual(['layer_types']);
  });

  it('rotary settings are read from either of their two places', () => {
    const scaling = { rope_type: 'linear', factor: 4 };
    const expected = { theta: 500, scaling: { type: 'linear', factor: 4 } };
    const ropesOf = (fields: Json): readonly unknown[] => parse(fields).config.rules.map(({ rope }) => rope);
    expect(ropesOf({ rope_theta: 500, rope_scaling: scaling })).toEqual([expected, expected]);
    expect(ropesOf({ rope_parameters: { ...scaling, rope_theta: 500 } })).toEqual([expected, expected]);
  });
});

describe('tensors and layers', () => {
  it('a missing tensor and one of another shape are named with what config.json says', () => {
    const dir = writeTinyModel({});
    const wider = writeTinyModel({ config: { intermediate_size: 26 } });
    expect(() => openBaseModel(dir)).not.toThrow();
    expect(() => withConfigOf(dir, wider)).toThrow(
      /gate_proj\.weight: is F32 \[24, 16\]; expected a tensor \[26, 16\]/,
    );
    const deeper = writeTinyModel({ config: { num_hidden_layers: 3 } });
    expect(() => withConfigOf(dir, deeper)).toThrow(/model\.layers\.2\.self_attn\.q_proj\.weight: is missing/);
  });

  it('every site names tensors that the checkpoint has, in their shapes', () => {
    for (const family of [llama, mistral, qwen2]) {
      const { config } = parse({}, family);
      const tensors = family.tensors(config);
      for (const { weight, bias, inFeatures, outFeatures } of family.sites(config)) {
        expect(tensors.get(weight)).toEqual([outFeatures, inFeatures]);
        if (bias !== null) expect(tensors.get(bias)).toEqual([outFeatures]);
      }
      expect(family.sites(config)).toHaveLength(7 * config.layers);
      expect(tensors.has('model.embed_tokens.weight')).toBe(true);
    }
  });
});

it('a snapshot of the Hugging Face cache, all links, computes what its files compute', async () => {
  const dir = writeTinyModel({ shards: 2 });
  const cache = temporaryFolder();
  const snapshot = path.join(cache, 'snapshots', 'abc');
  mkdirSync(snapshot, { recursive: true });
  for (const [i, name] of readdirSync(dir).entries()) {
    const blob = path.join(cache, `blobs${i % 2}`, `${i}`);
    mkdirSync(path.dirname(blob), { recursive: true });
    cpSync(path.join(dir, name), blob);
    symlinkSync(path.relative(snapshot, blob), path.join(snapshot, name));
  }
  const logitsOf = async (folder: string): Promise<Float32Array> => {
    const model = openBaseModel(folder);
    const runner = new ModelRunner(model, null, null, { device: 'cpu', threads: 1 });
    try {
      return await runner.logits({ batch: 1, length: 3, inputIds: Int32Array.of(4, 8, 1), rows: Int32Array.of(2) });
    } finally {
      await runner.dispose();
      model.checkpoint.close();
    }
  };
  expect(await logitsOf(snapshot)).toEqual(await logitsOf(dir));
});

describe('rotary frequencies', () => {
  const llama3 = { type: 'llama3', factor: 8, lowFreqFactor: 1, highFreqFactor: 4, originalMaxPositions: 32 } as const;

  it('fall geometrically from 1', () => {
    const frequencies = ropeFrequencies(8, { theta: 10000, scaling: { type: 'default' } });
    [1, 0.1, 0.01, 0.001].forEach((f, i) => expect(frequencies[i]).toBeCloseTo(f, 12));
  });

  it('of llama3 scaling keep short waves, divide long ones and blend between', () => {
    const plain = ropeFrequencies(16, { theta: 10000, scaling: { type: 'default' } });
    const scaled = ropeFrequencies(16, { theta: 10000, scaling: llama3 });
    expect(scaled[0]).toBe(plain[0]);
    expect(scaled[7]).toBeCloseTo((plain[7] ?? NaN) / 8, 12);
    // Wavelength 19.87 of 32 positions: (32 / 19.87 − 1) / 3 of the way to the unscaled frequency.
    const blend = (32 / ((2 * Math.PI) / (plain[1] ?? NaN)) - 1) / 3;
    expect(scaled[1]).toBeCloseTo((plain[1] ?? NaN) * (blend + (1 - blend) / 8), 12);
  });
});

function problemsOf(fields: Json, family = llama): readonly (string | undefined)[] {
  try {
    parse(fields, family);
  } catch (error) {
    if (KernelError.is(error)) return error.problems.map((p) => p.where);
  }
  return [];
}

/** Opens the weights of one folder under the config.json of another. */
function withConfigOf(weights: string, config: string): unknown {
  const dir = writeTinyModel({});
  cpSync(path.join(weights, 'model.safetensors'), path.join(dir, 'model.safetensors'));
  cpSync(path.join(config, 'config.json'), path.join(dir, 'config.json'));
  return openBaseModel(dir);
}
