/**
 * @file Decoders built from the same blocks as llama, beyond what the golden cases 13 compare: writing token by token, and
 * the fields of their config.json, in the older and the newer spelling.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { openBaseModel } from '../../../kernels/models/baseModel';
import { architectureOf } from '../../../kernels/models/registry';
import type { DecoderConfig } from '../../../kernels/models/blocks/decoderConfig';
import { KernelError } from '../../../kernels/protocol/errors';
import { fromKept, fromWholeTexts, type GrowingText } from '../../../kernels/trainer/nextLogits';
import { ModelRunner } from '../../../kernels/trainer/runner';

type Json = Readonly<Record<string, unknown>>;

const bases = ['mistral', 'qwen2-window', 'qwen3', 'gemma', 'gemma2', 'gemma3', 'phi3'] as const;
type Base = (typeof bases)[number];
const folderOf = (base: Base): string => path.join(__dirname, '../../golden/bases', base);
const fieldsOf = (base: Base): Json =>
  JSON.parse(readFileSync(path.join(folderOf(base), 'config.json'), 'utf8')) as Json;

function parse(json: Json): { readonly config: DecoderConfig; readonly named: readonly (string | undefined)[] } {
  const { config, warnings } = architectureOf(json, 'config.json').parseConfig(json, 'config.json', () => true);
  return { config: config as DecoderConfig, named: warnings.map(({ where }) => where) };
}

describe.each(bases)('%s', (base) => {
  it('writes token by token what whole passes over the growing texts give', async () => {
    const model = openBaseModel(folderOf(base));
    const runner = new ModelRunner(model, null, null, { device: 'cpu', threads: 1 });
    const { kept } = runner;
    if (!kept) throw new Error('nothing is kept');
    const texts: GrowingText[] = [{ ids: [3, 9, 1] }, { ids: [20, 5, 6, 7, 8, 4, 30, 11] }];
    const [cached, whole] = [fromKept(runner, kept, 2, 40), fromWholeTexts(runner, 2)];
    for (let step = 0; step < 9; step++) {
      const [mine, theirs] = [await cached(texts), await whole(texts)];
      texts.forEach(({ ids }, slot) => {
        const expected = theirs[slot] ?? new Float32Array();
        const range = Math.max(...expected) - Math.min(...expected);
        expected.forEach((v, i) => expect(Math.abs(v - (mine[slot]?.[i] ?? NaN))).toBeLessThan(1e-5 * range));
        ids.push((step * 5 + slot * 11) % model.config.vocabularySize);
      });
    }
    await runner.dispose();
    model.checkpoint.close();
  });

  it('knows every field of its published config.json', () => {
    expect(parse(fieldsOf(base)).named).toEqual([]);
  });
});

describe('config.json', () => {
  it('of gemma 3 says the same in the newer spelling', () => {
    const { rope_theta, rope_local_base_freq, rope_scaling, sliding_window_pattern, ...rest } = fieldsOf('gemma3');
    const newer = {
      ...rest,
      layer_types: ['sliding_attention', 'full_attention', 'sliding_attention'],
      rope_parameters: {
        full_attention: { ...(rope_scaling as Json), rope_theta },
        sliding_attention: { rope_type: 'default', rope_theta: rope_local_base_freq },
      },
      use_bidirectional_attention: false,
    };
    expect(sliding_window_pattern).toBe(2);
    expect(parse(newer)).toEqual(parse(fieldsOf('gemma3')));
    expect(problemsOf({ ...newer, rope_theta: 5 })).toEqual(['rope_theta']);
  });

  it('of gemma may leave out that the head is tied, and which layers slide', () => {
    for (const base of ['gemma', 'gemma2', 'gemma3'] as const) expect(parse(fieldsOf(base)).config.isTied).toBe(true);
    const windows = (fields: Json): readonly (number | null)[] =>
      parse({ ...fields, num_hidden_layers: 7 }).config.rules.map(({ window }) => window);
    expect(windows(fieldsOf('gemma2'))).toEqual([4, null, 4, null, 4, null, 4]);
    expect(windows({ ...fieldsOf('gemma3'), sliding_window_pattern: 3 })).toEqual([4, 4, null, 4, 4, null, 4]);
  });

  it('caps that are null are none, and caps that are left out are those of the family', () => {
    const { attn_logit_softcapping, final_logit_softcapping, ...rest } = fieldsOf('gemma2');
    const capsOf = (fields: Json): readonly unknown[] => {
      const { rules, logitSoftCap } = parse(fields).config;
      return [rules[0]?.softCap, logitSoftCap];
    };
    expect(capsOf(fieldsOf('gemma2'))).toEqual([attn_logit_softcapping, final_logit_softcapping]);
    expect(capsOf(rest)).toEqual([50, 30]);
    expect(capsOf({ ...rest, attn_logit_softcapping: null, final_logit_softcapping: null })).toEqual([null, null]);
  });

  it.each<[Base, Json, string]>([
    ['gemma', { hidden_act: 'relu' }, 'hidden_act'],
    ['gemma', { use_bidirectional_attention: true }, 'use_bidirectional_attention'],
    ['gemma2', { hidden_activation: 'gelu' }, 'hidden_activation'],
    ['gemma2', { query_pre_attn_scalar: 0 }, 'query_pre_attn_scalar'],
    ['gemma2', { sliding_window: null }, 'sliding_window'],
    ['gemma3', { attn_logit_softcapping: 50 }, 'attn_logit_softcapping'],
    ['gemma3', { layer_types: ['full_attention', 'chunked_attention', 'full_attention'] }, 'layer_types'],
    ['qwen3', { rope_scaling: { rope_type: 'yarn', factor: 4 } }, 'rope_scaling.rope_type'],
    ['phi3', { rope_scaling: { type: 'longrope' } }, 'rope_scaling.rope_type'],
    ['phi3', { rope_parameters: { partial_rotary_factor: 0.75 } }, 'rope_parameters.partial_rotary_factor'],
    ['phi3', { resid_pdrop: 0.1 }, 'resid_pdrop'],
    ['phi3', { auto_map: { AutoModelForCausalLM: 'modeling_other.Phi3ForCausalLM' } }, 'auto_map'],
  ])('of %s with %j is refused by the name of the field', (base, fields, where) => {
    expect(problemsOf({ ...fieldsOf(base), ...fields })).toContain(where);
  });

  it('of phi 3 may name the code that the family was published with', () => {
    const auto_map = { AutoModelForCausalLM: 'modeling_phi3.Phi3ForCausalLM' };
    expect(parse({ ...fieldsOf('phi3'), auto_map }).named).toEqual(['auto_map']);
  });
});

function problemsOf(json: Json): readonly (string | undefined)[] {
  try {
    parse(json);
  } catch (error) {
    if (KernelError.is(error)) return error.problems.map(({ where }) => where);
  }
  return [];
}
