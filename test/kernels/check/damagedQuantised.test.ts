/** @file Damaged quantised checkpoints: each is found by `check`, with the tensor that does not fit, and refused by whatever runs the model. */
import './markedTexts';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { openSafetensors } from '../../../kernels/formats/safetensors';
import { openBaseModel } from '../../../kernels/models/baseModel';
import { refuseUnsoundWeights } from '../../../kernels/models/soundWeights';
import { writeTensors, type StoredTensor } from '../../support/quantise';
import { temporaryFolder } from '../../support/tinyModel';
import { changeJson, check, copyOf, refusalOf } from './damage';

const bases = path.join(import.meta.dirname, '../../golden/bases');
const folder = temporaryFolder();
process.env['ADAPTER_STUDIO_CACHE'] = path.join(folder, 'cache');

const Q = 'model.layers.1.self_attn.q_proj.weight';
const STATE = `${Q}.quant_state.bitsandbytes__nf4`;
const MODULE = 'model.layers.1.self_attn.q_proj';

type Base = 'llama-nf4' | 'llama-int8';
/** A tensor in place of one, or of none; null: it is left out. */
type Change = (tensor: StoredTensor) => StoredTensor | null;

interface Damage {
  readonly name: string;
  readonly base: Base;
  make(dir: string): void;
  readonly says: RegExp;
}

const tensor = (name: string, own: string, change: Change, says: RegExp, base: Base = 'llama-nf4'): Damage => ({
  name,
  base,
  make: (dir) => {
    const file = path.join(dir, 'model.safetensors');
    const source = openSafetensors(file);
    const stored = [...source.tensors.values()].map((t) => ({ ...t, bytes: source.readBytes(t.name) }));
    source.close();
    const kept = stored.flatMap((t) => (t.name === own ? (change(t) ?? []) : t));
    if (!stored.some((t) => t.name === own)) {
      const added = change({ name: own, dtype: 'U8', shape: [0], bytes: new Uint8Array() });
      if (added) kept.push(added);
    }
    writeTensors(file, kept);
  },
  says,
});

const missing = (own: string, says: RegExp, base?: Base): Damage =>
  tensor(`no ${own.slice(MODULE.length + 1)}`, own, () => null, says, base);

const state = (name: string, fields: (old: Record<string, unknown>) => unknown, says: RegExp): Damage =>
  tensor(
    `a quant_state ${name}`,
    STATE,
    (t) => {
      const made = fields(JSON.parse(Buffer.from(t.bytes).toString()) as Record<string, unknown>);
      const bytes = new Uint8Array(Buffer.from(typeof made === 'string' ? made : JSON.stringify(made)));
      return { ...t, shape: [bytes.length], bytes };
    },
    says,
  );

const config = (name: string, change: unknown, says: RegExp, base: Base = 'llama-nf4'): Damage => ({
  name: `a quantization_config ${name}`,
  base,
  make: (dir) => changeJson(path.join(dir, 'config.json'), { quantization_config: change }),
  says,
});

const cut = (t: StoredTensor): StoredTensor => ({
  ...t,
  shape: [t.bytes.length / 4 - 1],
  bytes: t.bytes.subarray(4),
});
const fill = (value: number): Change => {
  return (t) => ({ ...t, bytes: new Uint8Array(new Float32Array(t.bytes.length / 4).fill(value).buffer) });
};

const damages: readonly Damage[] = [
  missing(STATE, /q_proj\.weight\.quant_state\.bitsandbytes__nf4: is missing; expected it beside /),
  missing(`${Q}.absmax`, /q_proj\.weight\.absmax: is missing; expected it beside /),
  missing(`${Q}.quant_map`, /q_proj\.weight\.quant_map: is missing; expected it beside /),
  missing(`${Q}.nested_absmax`, /q_proj\.weight\.nested_absmax: is missing; expected it beside /),
  missing(`${Q}.nested_quant_map`, /q_proj\.weight\.nested_quant_map: is missing; expected it beside /),
  missing(Q, /q_proj\.weight: is missing; expected it beside /),
  tensor(
    'codes that are too few',
    Q,
    (t) => ({ ...t, shape: [287, 1], bytes: t.bytes.subarray(1) }),
    /q_proj\.weight: is U8 \[287, 1\]: 287 bytes; expected 288 bytes, half of \[24, 24\] as its quant_state says/,
  ),
  tensor(
    'absmax of other blocks',
    `${Q}.absmax`,
    (t) => ({ ...t, shape: [8], bytes: t.bytes.subarray(1) }),
    /q_proj\.weight\.absmax: is U8 \[8\]; expected U8 \[9\], for .*q_proj\.weight/,
  ),
  tensor('other nested absmax', `${Q}.nested_absmax`, cut, /nested_absmax: is F32 \[0\]; expected F32 \[1\]/),
  tensor(
    'too few nested levels',
    `${Q}.nested_quant_map`,
    cut,
    /nested_quant_map: is F32 \[255\]; expected F32 \[256\]/,
  ),
  tensor('too few levels', `${Q}.quant_map`, cut, /\.quant_map: is F32 \[15\]; expected F32 \[16\]/),
  tensor(
    'other levels',
    `${Q}.quant_map`,
    fill(0.5),
    /quant_map: holds 0\.5 at 0; expected -1, the value of that code/,
  ),
  tensor('levels that are NaN', `${Q}.quant_map`, fill(NaN), /quant_map: holds NaN at 0; expected -1/),
  tensor(
    'absmax that are NaN',
    `${Q}.nested_absmax`,
    fill(NaN),
    /nested_absmax: holds 1 NaN value, .*; expected finite/,
  ),
  tensor(
    'two quant_states',
    `${Q}.quant_state.bitsandbytes__fp4`,
    () => ({ name: `${Q}.quant_state.bitsandbytes__fp4`, dtype: 'U8', shape: [2], bytes: new Uint8Array([123, 125]) }),
    /bitsandbytes__nf4: .*q_proj\.weight has a quant_state of fp4 as well; expected one/,
  ),
  tensor(
    'a quant_state of numbers',
    STATE,
    () => ({ name: STATE, dtype: 'F32', shape: [1], bytes: new Uint8Array(4) }),
    /bitsandbytes__nf4: is F32 \[1\]; expected a JSON object in UTF-8, as U8/,
  ),
  state('that is no JSON', () => '{"shape": [24', /bitsandbytes__nf4: the text ends; expected/),
  state('that is a list', () => [1], /bitsandbytes__nf4: a list of 1; expected a JSON object/),
  state(
    'of another type',
    (s) => ({ ...s, quant_type: 'fp4' }),
    /bitsandbytes__nf4: quant_type: is .*fp4.*; expected nf4/,
  ),
  state('without a shape', ({ shape: _, ...s }) => s, /bitsandbytes__nf4: shape: is missing; expected the two sizes/),
  state('of a vector', (s) => ({ ...s, shape: [576] }), /shape: is a list of 1; expected the two sizes of a matrix/),
  state(
    'of another shape',
    (s) => ({ ...s, shape: [12, 48] }),
    /q_proj\.weight: is NF4 \[12, 48\]; expected .* \[24, 24\]/,
  ),
  state(
    'of a huge shape',
    (s) => ({ ...s, shape: [2 ** 40, 2 ** 40] }),
    /shape: is a list of 2; expected the two sizes/,
  ),
  state('of odd blocks', (s) => ({ ...s, blocksize: 48 }), /blocksize: is the number 48; expected one of 32, 64, 128/),
  state('of larger blocks', (s) => ({ ...s, blocksize: 128 }), /absmax: is U8 \[9\]; expected U8 \[5\]/),
  state('of nested blocks of 0', (s) => ({ ...s, nested_blocksize: 0 }), /nested_blocksize: is the number 0; expected/),
  state('without its offset', ({ nested_offset: _, ...s }) => s, /nested_offset: is missing; expected a finite number/),
  state('from another dtype', (s) => ({ ...s, dtype: 'float64' }), /dtype: is .*float64.*; expected one of float32/),
  state('with another field', (s) => ({ ...s, zero_point: 3 }), /zero_point: is not known; expected .*nested_offset/),
  missing(`${MODULE}.SCB`, /q_proj\.SCB: is missing; expected it beside .*q_proj\.weight/, 'llama-int8'),
  tensor('too few rows', `${MODULE}.SCB`, cut, /q_proj\.SCB: is F32 \[23\]; expected F32 \[24\]/, 'llama-int8'),
  tensor(
    'another order',
    `${MODULE}.weight_format`,
    (t) => ({ ...t, bytes: new Uint8Array([2]) }),
    /q_proj\.weight_format: is 2; expected 0, rows one after the other/,
    'llama-int8',
  ),
  tensor(
    'codes of 8 bits without a sign',
    Q,
    (t) => ({ ...t, dtype: 'U8' }),
    /q_proj\.weight: is U8 \[24, 24\]; expected I8 \[out, in\]/,
    'llama-int8',
  ),
  config('of another method', { quant_method: 'awq', bits: 4 }, /quant_method: is "awq"; expected bitsandbytes; give/),
  config('that is a word', 'nf4', /quantization_config: is "nf4"; expected an object/),
  config('that is none', null, /quantization_config: is missing, but 14 tensors are quantised/),
  config(
    'of 8 bits',
    { quant_method: 'bitsandbytes', load_in_8bit: true },
    /load_in_8bit: is true; expected what .* is: 4 bits/,
  ),
  config('of both', { load_in_4bit: true, load_in_8bit: true }, /load_in_4bit: is true; expected true for either/),
  config('of nothing', { quant_method: 'bitsandbytes' }, /load_in_4bit: is missing; expected true for either/),
  config(
    'with a word for a flag',
    { quant_method: 'bitsandbytes', load_in_4bit: 'yes' },
    /load_in_4bit: is "yes"; expected true or false/,
  ),
  config(
    'of unknown codes',
    { quant_method: 'bitsandbytes', load_in_4bit: true, bnb_4bit_quant_type: 'nf5' },
    /bnb_4bit_quant_type: is "nf5"; expected one of nf4, fp4/,
  ),
];

describe('a quantised checkpoint with', () => {
  test.each(damages)('$name', async ({ base, make, says }) => {
    const dir = copyOf(path.join(bases, base), folder);
    make(dir);
    const { errors } = await check(dir);
    expect(errors.join('\n')).toMatch(says);
    const said = await refusalOf(async () => {
      const model = openBaseModel(dir);
      await refuseUnsoundWeights(model).finally(() => model.checkpoint.close());
    });
    expect(errors).toEqual(expect.arrayContaining([said[0]]));
  });
});

describe('a quantised checkpoint that is whole', () => {
  test.each(['llama-nf4', 'llama-int8', 'gpt2-fp4'])(
    '%s has nothing to report but that it has no tokenizer',
    async (base) => {
      const { errors, warnings } = await check(path.join(bases, base));
      expect(errors).toEqual([]);
      expect(warnings).toEqual([expect.stringContaining('tokenizer.json')]);
    },
  );

  test('is read whatever its configuration says of the codes, and that is named', async () => {
    const dir = copyOf(path.join(bases, 'llama-nf4'), folder);
    const fields = { quant_method: 'bitsandbytes', load_in_4bit: true, bnb_4bit_quant_type: 'fp4', later: 1 };
    changeJson(path.join(dir, 'config.json'), { quantization_config: fields });
    const { errors, warnings } = await check(dir);
    expect(errors).toEqual([]);
    const says = warnings.join('\n');
    expect(says).toMatch(/bnb_4bit_quant_type: is fp4; expected what .* has; it has no effect here/);
    expect(says).toMatch(/bnb_4bit_use_double_quant: is false; expected what .* has; it has no effect here/);
    expect(says).toMatch(/quantization_config\.later: is 1; expected a field that does not change the computation/);
  });

  test('is refused where no weight is quantised but its configuration says so', async () => {
    const dir = copyOf(path.join(bases, 'mistral'), folder);
    const fields = { quant_method: 'bitsandbytes', load_in_4bit: true };
    changeJson(path.join(dir, 'config.json'), { quantization_config: fields });
    const { errors } = await check(dir);
    expect(errors.join('\n')).toMatch(/quantization_config: says that weights are quantised, but none is; expected/);
  });
});
