/** @file Damaged checkpoints: each is found by `check`, in words, and accepted by neither training nor merging. */
import './markedTexts';
import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { loadAdapter } from '../../../kernels/adapters/adapterFile';
import { inspectCheckpoint } from '../../../kernels/inspect/inspectTensors';
import { merge } from '../../../kernels/merge/merge';
import { openBaseModel } from '../../../kernels/models/baseModel';
import { readConfig } from '../../../kernels/check/checkConfig';
import { openEvaluation, prepareRun } from '../../../kernels/trainer/prepare';
import { TextWriter } from '../../../kernels/trainer/textWriter';
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
const adapter = path.join(fixture.folder, 'adapter');

beforeAll(() => {
  process.env.ADAPTER_STUDIO_CACHE = path.join(fixture.folder, 'cache');
  writeAdapter(adapter, fixture.config('made'));
});

const Q = 'model.layers.0.self_attn.q_proj.weight';

interface Damage {
  readonly name: string;
  /** The folder is a copy of a good checkpoint. */
  make(dir: string): void;
  /** Each is in one of the lines. */
  readonly says: readonly RegExp[];
  /** Who refuses it: everything that runs the model, or also what only lists tensors. Default: 'all'. */
  readonly refusedBy?: 'all' | 'runs' | 'training';
}

const weights = (dir: string): string => path.join(dir, 'model.safetensors');
const file = (dir: string, name: string): string => path.join(dir, name);
const write = (dir: string, name: string, content: string | Uint8Array): void =>
  writeFileSync(file(dir, name), content);

/** One field of config.json that is refused where the model is run. */
const field = (key: string, value: unknown, says: RegExp): Damage => ({
  name: `${key}: ${JSON.stringify(value)}`,
  make: (dir) => changeJson(file(dir, 'config.json'), { [key]: value }),
  says: [says],
  refusedBy: 'runs',
});

/** config.json itself. */
const config = (name: string, content: string | Uint8Array, says: RegExp): Damage => ({
  name: `config.json ${name}`,
  make: (dir) => write(dir, 'config.json', content),
  says: [says],
});

/** The index of a checkpoint in two shards, whose entries are changed. */
const index = (name: string, change: (map: Record<string, unknown>) => unknown, says: RegExp): Damage => ({
  name: `an index ${name}`,
  make: (dir) => {
    const names = shard(dir);
    const map: Record<string, unknown> = Object.fromEntries(names);
    const changed = change(map);
    write(dir, 'model.safetensors.index.json', JSON.stringify(changed ?? { weight_map: map }));
  },
  says: [says],
});

const SHARD = (n: number): string => `model-0000${n}-of-00002.safetensors`;

/** Cuts the weights in two shards; returns which tensor is where. */
function shard(dir: string): [string, string][] {
  const map: [string, string][] = [];
  for (const n of [1, 2]) {
    const copy = file(dir, SHARD(n));
    writeFileSync(copy, readFileSync(weights(dir)));
    let i = 0;
    respecify(copy, (spec) => {
      if (i++ % 2 !== n - 1) return null;
      map.push([spec.name, SHARD(n)]);
      return spec;
    });
  }
  rmSync(weights(dir));
  return map;
}

/** A tokenizer whose normalizer holds another one, and so on. */
const nested = (depth: number): string =>
  `{"model":{"type":"BPE","vocab":{},"merges":[]},"normalizer":${'{"type":"Sequence","normalizers":['.repeat(depth)}${']}'.repeat(depth)}}`;

interface TokenizerJson {
  readonly model: { readonly vocab: object };
  readonly added_tokens: object[];
}

const tokenizer = (name: string, change: (json: TokenizerJson) => void, says: RegExp): Damage => ({
  name: `a tokenizer ${name}`,
  make: (dir) => {
    const json = JSON.parse(readFileSync(file(dir, 'tokenizer.json'), 'utf8')) as TokenizerJson;
    change(json);
    write(dir, 'tokenizer.json', JSON.stringify(json));
  },
  says: [says],
  refusedBy: 'training',
});

const side = (name: string, content: string | Uint8Array, says: RegExp): Damage => ({
  name: `${name} with ${typeof content === 'string' ? content.slice(0, 30) : 'other bytes'}`,
  make: (dir) => write(dir, name, content),
  says: [says],
  refusedBy: 'training',
});

const damages: readonly Damage[] = [
  config('that is empty', '', /config\.json: the file is empty; expected JSON in UTF-8/),
  config(
    'that is not JSON',
    '{"model_type": "llama",\n "vocab_size": }',
    /config\.json:2: found .* at column 16; expected/,
  ),
  config('that is cut off', '{"model_type": "llama"', /config\.json:1: the text ends; expected/),
  config('that is a list', '[]', /config\.json: a list of 0; expected a JSON object/),
  config('that is null', 'null', /config\.json: null; expected a JSON object/),
  config('with a byte order mark', '\ufeff{}', /config\.json: the file begins with a byte order mark; expected/),
  config(
    'in UTF-16',
    Buffer.from('\ufeff{}', 'utf16le'),
    /config\.json: this is UTF-16 text: save it as UTF-8; expected/,
  ),
  config('that is not UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), /config\.json: this is not UTF-8; expected/),
  config('with a key twice', '{"vocab_size": 1, "vocab_size": 2}', /"vocab_size" is repeated/),
  config(
    'that is a pointer of Git LFS',
    'version https://git-lfs.github.com/spec/v1\n',
    /a pointer of Git LFS, .*git lfs pull/,
  ),
  config('of comments', '{} // hi', /config\.json:1: found "\/\/ hi" at column 4; expected the end/),
  {
    name: 'config.json missing',
    make: (dir) => rmSync(file(dir, 'config.json')),
    says: [/config\.json: there is no such file; expected/],
  },
  {
    name: 'config.json a folder',
    make: (dir) => {
      rmSync(file(dir, 'config.json'));
      mkdirSync(file(dir, 'config.json'));
    },
    says: [/config\.json: this is a folder; expected/],
  },
  {
    name: 'config.json a link to nothing',
    make: (dir) => {
      rmSync(file(dir, 'config.json'));
      symlinkSync('../gone', file(dir, 'config.json'));
    },
    says: [/config\.json: this link leads to nothing/],
  },
  field('model_type', undefined, /model_type: is missing; expected one of llama/),
  field('model_type', 'gpt_neox', /model_type: is "gpt_neox"; expected one of llama/),
  field('model_type', 7, /model_type: is 7; expected one of/),
  ...['hidden_size', 'num_attention_heads', 'num_hidden_layers', 'vocab_size', 'intermediate_size'].flatMap((key) => [
    field(key, undefined, new RegExp(`${key}: is missing; expected a whole number`)),
    field(key, '16', new RegExp(`${key}: is "16"; expected a whole number of at least 1`)),
    field(key, null, new RegExp(`${key}: is null; expected`)),
    field(key, 0, new RegExp(`${key}: is 0; expected a whole number of at least 1`)),
    field(key, -4, new RegExp(`${key}: is -4; expected`)),
    field(key, 1.5, new RegExp(`${key}: is 1.5; expected`)),
    field(key, 1e15, new RegExp(`${key}: is 1000000000000000; expected a whole number of at most`)),
    field(key, true, new RegExp(`${key}: is true; expected`)),
    field(key, [16], new RegExp(`${key}: is \\[16\\]; expected`)),
  ]),
  field('num_key_value_heads', 3, /num_key_value_heads: is 3; expected a divisor of num_attention_heads, 4/),
  field('num_key_value_heads', '2', /num_key_value_heads: is "2"; expected/),
  field('head_dim', 5, /head_dim: is 5; expected an even number/),
  field('head_dim', 8, /q_proj\.weight: is F32 \[24, 16\]; expected a tensor \[32, 16\]/),
  field('vocab_size', 259, /embed_tokens\.weight: is F32 \[258, 16\]; expected a tensor \[259, 16\]/),
  field('intermediate_size', 25, /gate_proj\.weight: is F32 \[24, 16\]; expected a tensor \[25, 16\]/),
  field('num_hidden_layers', 1, /num_hidden_layers: is 1; expected 2, the number of blocks in the checkpoint/),
  field('num_hidden_layers', 3, /model\.layers\.2\.mlp\.up_proj\.weight: is missing; expected a tensor \[24, 16\]/),
  field('hidden_act', 'gelu', /hidden_act: is "gelu"; expected silu/),
  field('rms_norm_eps', 0, /rms_norm_eps: is 0; expected a number above 0/),
  field('rms_norm_eps', 'tiny', /rms_norm_eps: is "tiny"; expected/),
  field('rope_theta', -1, /rope_theta: is -1; expected/),
  field('rope_scaling', 'linear', /rope_scaling: is "linear"; expected an object/),
  field(
    'rope_scaling',
    { rope_type: 'yarn', factor: 2 },
    /rope_scaling\.rope_type: is "yarn"; expected default, linear or llama3/,
  ),
  field('rope_scaling', { rope_type: 'linear' }, /rope_scaling\.factor: is missing; expected/),
  field(
    'rope_scaling',
    { rope_type: 'linear', type: 'yarn', factor: 2 },
    /rope_scaling\.type: is "yarn"; expected "linear"/,
  ),
  field(
    'rope_scaling',
    { rope_type: 'llama3', factor: 8, low_freq_factor: 4, high_freq_factor: 4, original_max_position_embeddings: 32 },
    /low_freq_factor: is 4; expected a number below high_freq_factor/,
  ),
  field('tie_word_embeddings', 'no', /tie_word_embeddings: is "no"; expected true or false/),
  field('tie_word_embeddings', true, /lm_head\.weight: has other values, first in row 0; expected a copy of/),
  field('attention_bias', true, /q_proj\.bias: is missing; expected a tensor \[24\]/),
  field('attention_dropout', 0.1, /attention_dropout: is 0\.1; expected 0/),
  field(
    'quantization_config',
    { quant_method: 'gptq' },
    /quantization_config\.quant_method: is "gptq"; expected bitsandbytes/,
  ),
  field('partial_rotary_factor', 0.5, /partial_rotary_factor: is 0\.5; expected 1/),
  field(
    'auto_map',
    { AutoModelForCausalLM: 'modeling_x.X' },
    /auto_map: is .*; expected a model that needs no code of its own/,
  ),
  field('auto_map', 'x', /auto_map: is "x"; expected an object/),
  field('architectures', 'LlamaForCausalLM', /architectures: is "LlamaForCausalLM"; expected a list of names/),
  field('eos_token_id', 'x', /eos_token_id: is "x"; expected the id of a token/),
  field('eos_token_id', 258, /eos_token_id: is 258; expected ids below 258/),
  field('eos_token_id', [1, 2.5], /eos_token_id: is \[1,2\.5\]; expected/),
  field('bos_token_id', -7, /bos_token_id: is -7; expected/),
  {
    name: 'a head size that is no whole number',
    make: (dir) =>
      changeJson(file(dir, 'config.json'), { head_dim: undefined, num_attention_heads: 3, num_key_value_heads: 1 }),
    says: [/hidden_size: is 16; expected a multiple of num_attention_heads, 3/],
    refusedBy: 'runs',
  },
  {
    name: 'weights missing',
    make: (dir) => rmSync(weights(dir)),
    says: [/: no weights; expected model\.safetensors or/],
  },
  {
    name: 'weights cut off',
    make: (dir) => truncateSync(weights(dir), 3000),
    says: [/model\.safetensors: .*; is the file cut off\?/],
  },
  {
    name: 'weights that are empty',
    make: (dir) => writeFileSync(weights(dir), ''),
    says: [/header: a file of 0 bytes; expected 8 bytes/],
  },
  {
    name: 'weights that are a zip archive',
    make: (dir) => writeFileSync(weights(dir), 'PK\x03\x04aaaaaaaa'),
    says: [/header: this is a zip archive, as torch\.save writes it/],
  },
  {
    name: 'weights that are a pickle',
    make: (dir) => writeFileSync(weights(dir), Buffer.from('\x80\x02}q\x00.', 'latin1')),
    says: [/header: this is a pickle, which can run code/],
  },
  {
    name: 'weights that are GGUF',
    make: (dir) => writeFileSync(weights(dir), 'GGUF\x03\0\0\0\0\0\0\0'),
    says: [/header: this is a GGUF file/],
  },
  {
    name: 'weights that are a web page',
    make: (dir) => writeFileSync(weights(dir), '<!DOCTYPE html><html>'),
    says: [/header: this is a web page/],
  },
  {
    name: 'weights that are a pointer of Git LFS',
    make: (dir) => writeFileSync(weights(dir), 'version https://git-lfs.github.com/spec/v1\n'),
    says: [/header: this is a pointer of Git LFS/],
  },
  {
    name: 'weights that are a link to nothing',
    make: (dir) => {
      rmSync(weights(dir));
      symlinkSync('../blobs/gone', weights(dir));
    },
    says: [/model\.safetensors: this link leads to nothing/],
  },
  {
    name: 'only a pickle',
    make: (dir) => renameSync(weights(dir), file(dir, 'pytorch_model.bin')),
    says: [/only pickle weights \(pytorch_model\.bin\); expected model\.safetensors .*never opened here/],
  },
  {
    name: 'a tensor missing',
    make: (dir) => rewrite(weights(dir), (name) => (name === Q ? null : undefined)),
    says: [/q_proj\.weight: is missing; expected a tensor \[24, 16\] in F32, F16 or BF16/],
    refusedBy: 'runs',
  },
  {
    name: 'a tensor transposed',
    make: (dir) => respecify(weights(dir), (s) => (s.name === Q ? { ...s, shape: [16, 24] } : s)),
    says: [/q_proj\.weight: is F32 \[16, 24\]; expected a tensor \[24, 16\]/],
    refusedBy: 'runs',
  },
  ...['I32', 'F8_E4M3', 'F64', 'U8'].map((dtype): Damage => ({
    name: `a tensor of type ${dtype}`,
    make: (dir) =>
      changeHeader(weights(dir), (text) => {
        const entry = new RegExp(`"${Q}":\\{"dtype":"F32","shape":\\[24,16\\]`);
        const columns = { I32: 16, F8_E4M3: 64, F64: 8, U8: 64 }[dtype];
        return text.replace(entry, `"${Q}":{"dtype":"${dtype}","shape":[24,${columns}]`);
      }),
    says: [
      new RegExp(`q_proj\\.weight: is ${dtype} \\[24, \\d+\\]; expected a tensor \\[24, 16\\] in F32, F16 or BF16`),
    ],
    refusedBy: 'runs',
  })),
  {
    name: 'one NaN',
    make: (dir) => rewrite(weights(dir), (name, values) => (name === Q ? values.fill(NaN, 16 + 3, 16 + 4) : values)),
    says: [/q_proj\.weight: holds 1 NaN value, the first at \[1, 3\]; expected finite values/],
    refusedBy: 'runs',
  },
  {
    name: 'infinities',
    make: (dir) =>
      rewrite(weights(dir), (name, values) => (name === 'model.norm.weight' ? values.fill(-Infinity, 2) : values)),
    says: [/model\.norm\.weight: holds 14 infinite values, the first at \[2\]/],
    refusedBy: 'runs',
  },
  index('that is a list', () => [], /index\.json: a list of 0; expected a JSON object/),
  index('without weight_map', () => ({ metadata: {} }), /weight_map: it is missing; expected an object/),
  index('whose weight_map is a list', () => ({ weight_map: [] }), /weight_map: a list of 0; expected an object/),
  index('with a number for a file', (map) => void (map[Q] = 1), /q_proj\.weight: the number 1; expected a file name/),
  index(
    'that leaves the folder',
    (map) => void (map[Q] = '../x.safetensors'),
    /q_proj\.weight: .*which leaves the folder; expected/,
  ),
  index('that leaves it from inside', (map) => void (map[Q] = 'a/../../x.safetensors'), /which leaves the folder/),
  index('with an absolute path', (map) => void (map[Q] = '/etc/x.safetensors'), /an absolute path; expected/),
  index('with a drive', (map) => void (map[Q] = 'C:\\x.safetensors'), /an absolute path; expected/),
  index('with backslashes', (map) => void (map[Q] = 'a\\x.safetensors'), /no portable file name; expected/),
  index('with a pickle', (map) => void (map[Q] = 'pytorch_model.bin'), /another format \(pickle files run code/),
  index(
    'with a missing shard',
    (map) => void (map[Q] = 'gone.safetensors'),
    /gone\.safetensors: there is no such file; expected/,
  ),
  index(
    'with a tensor in another shard',
    (map) => void (map[Q] = map[Q] === SHARD(1) ? SHARD(2) : SHARD(1)),
    /q_proj\.weight: (it is also in|the index puts it in)/,
  ),
  index(
    'with a tensor that is nowhere',
    (map) => void (map['gone.weight'] = SHARD(1)),
    /gone\.weight: the index puts it in .*, which does not hold it/,
  ),
  index(
    'whose metadata is a text',
    (map) => ({ weight_map: map, metadata: 'x' }),
    /metadata: the string "x"; expected an object/,
  ),
  {
    name: 'a tensor in two shards',
    make: (dir) => {
      const map = shard(dir);
      const [name = ''] = map.find(([, where]) => where === SHARD(1)) ?? [];
      rewrite(file(dir, SHARD(2)), () => undefined, [{ name, dtype: 'F32', shape: [1] }]);
      write(dir, 'model.safetensors.index.json', JSON.stringify({ weight_map: Object.fromEntries(map) }));
    },
    says: [/it is also in model-00001-of-00002\.safetensors; expected each tensor in one file/],
  },
  {
    name: 'a tied head of another shape',
    make: (dir) => {
      changeJson(file(dir, 'config.json'), { tie_word_embeddings: true });
      respecify(weights(dir), (s) => (s.name === 'lm_head.weight' ? { ...s, shape: [16, 258] } : s));
    },
    says: [/lm_head\.weight: is \[16, 258\]; expected a copy of model\.embed_tokens\.weight/],
    refusedBy: 'runs',
  },
  side('tokenizer.json', '', /tokenizer\.json: the file is empty/),
  side('tokenizer.json', '{', /tokenizer\.json:1: the text ends; expected/),
  side('tokenizer.json', '{"model": {"type": "BPE",\n "vocab": {"a" 0}}}', /tokenizer\.json:2: found .*; expected ':'/),
  side('tokenizer.json', '[]', /tokenizer\.json: the file is \[\]; expected an object/),
  side(
    'tokenizer.json',
    '{"model":{"type":"WordLevel"}}',
    /tokenizer\.json: model of type WordLevel is not supported; supported: BPE, Unigram, WordPiece/,
  ),
  side('tokenizer.json', '{"model":{"type":"constructor"}}', /model of type constructor is not supported/),
  side('tokenizer.json', Buffer.from([0x7b, 0xff, 0x7d]), /tokenizer\.json: this is not UTF-8/),
  side(
    'tokenizer_config.json',
    '{"eos_token": 3}',
    /tokenizer_config\.json: eos_token: is 3; expected the text of a token/,
  ),
  side('tokenizer_config.json', '{"eos_token": "<nowhere>"}', /eos_token is <nowhere>, which is not in the vocabulary/),
  side('tokenizer_config.json', '{', /tokenizer_config\.json:1: the text ends/),
  side(
    'tokenizer_config.json',
    '{"chat_template": {"tool": "x"}}',
    /chat_template has tool; expected one named default/,
  ),
  side('special_tokens_map.json', 'x', /special_tokens_map\.json:1: found "x" at column 1/),
  side(
    'generation_config.json',
    '{"eos_token_id": "x"}',
    /generation_config\.json: eos_token_id: is "x"; expected the id/,
  ),
  side('generation_config.json', '[1]', /generation_config\.json: a list of 1; expected a JSON object/),
  tokenizer(
    'with a fractional id',
    (json) => void Object.assign(json.model.vocab, { x: 1.5 }),
    /tokenizer\.json: the id of x is 1\.5; expected a whole number/,
  ),
  tokenizer(
    'with a negative id',
    (json) => void Object.assign(json.model.vocab, { x: -1 }),
    /the id of x is -1; expected/,
  ),
  tokenizer(
    'with a huge id',
    (json) => void Object.assign(json.model.vocab, { x: 1e12 }),
    /the id of x is 1000000000000; expected/,
  ),
  tokenizer(
    'with an added token far behind',
    (json) => void json.added_tokens.push({ id: 900, content: '<x>' }),
    /the added token "<x>" has the id 900; expected 258/,
  ),
  tokenizer(
    'with an added token without id',
    (json) => void json.added_tokens.push({ content: '<x>' }),
    /the id of an added token is missing; expected/,
  ),
  tokenizer(
    'with an added token under another id',
    (json) => void json.added_tokens.push({ id: 258, content: 'a' }),
    /the added token "a" has the id 258; expected \d+, its id in the vocabulary/,
  ),
  tokenizer(
    'whose merges are no pairs',
    (json) => void Object.assign(json.model, { merges: ['abc'] }),
    /a merge is "abc"; expected two tokens/,
  ),
  tokenizer(
    'whose merges make no token',
    (json) => void Object.assign(json.model, { merges: ['a b'] }),
    /merge 0 \(a b\) makes a token that is not in the vocabulary; expected/,
  ),
  tokenizer(
    'that adds an unknown id',
    (json) =>
      void Object.assign(json, {
        post_processor: {
          type: 'TemplateProcessing',
          single: [{ SpecialToken: { id: 'x', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
          pair: [],
          special_tokens: { x: { id: 'x', ids: [999], tokens: ['x'] } },
        },
      }),
    /the post_processor adds the id 999, which is no token; expected/,
  ),
  side('tokenizer.json', nested(20_000), /expected fewer nested parts/),
  tokenizer(
    'with a broken expression',
    (json) =>
      void Object.assign(json, { pre_tokenizer: { type: 'Split', pattern: { Regex: '(' }, behavior: 'Isolated' } }),
    /the regular expression \( cannot be read; /,
  ),
];

describe('a checkpoint with', () => {
  test.each(damages)('$name', async ({ make, says, refusedBy = 'all' }) => {
    const dir = copyOf(fixture.model, fixture.folder);
    make(dir);
    const { errors } = await check(dir);
    for (const pattern of says) expect(errors.join('\n')).toMatch(pattern);
    const file = fixture.config('damaged', { model: dir });
    // Whatever is read first, the refusal is one that `check` prints as well.
    const said = await refusalOf(() => prepareRun(file, readConfig(file)).then((run) => run.close()));
    expect(said.length).toBeGreaterThan(0);
    const writer = await refusalOf(() => TextWriter.open({ base: dir, device: 'cpu', threads: 1 }));
    expect(writer.length).toBeGreaterThan(0);
    expect(await refusalOf(() => openEvaluation(file, readConfig(file)))).toEqual(said);
    if (refusedBy === 'training') return;
    const out = path.join(fixture.folder, 'merged');
    const refused = await refusalOf(() => merge({ base: dir, adapter, out, dtype: 'keep' }));
    expect(errors.some((line) => refused.includes(line))).toBe(true);
    if (refusedBy !== 'all') return;
    const listed = await refusalOf(() => inspectCheckpoint(dir).close());
    expect(errors.some((line) => listed.includes(line))).toBe(true);
  });

  test('a broken config.json has one problem, not one for each reader', async () => {
    const dir = copyOf(fixture.model, fixture.folder);
    write(dir, 'config.json', '{"model_type": "llama",\n');
    expect((await check(dir)).errors).toHaveLength(1);
    write(dir, 'config.json', '[]');
    expect((await check(dir)).errors).toHaveLength(1);
    rmSync(file(dir, 'config.json'));
    expect((await check(dir)).errors).toHaveLength(1);
  });
});

interface Oddity {
  readonly name: string;
  make(dir: string): void;
  /** A warning that is expected; none: there is none. */
  readonly warns?: RegExp;
}

const added = (dir: string, ...names: readonly string[]): void =>
  rewrite(
    weights(dir),
    () => undefined,
    names.map((name) => ({ name, dtype: 'F32', shape: [2] })),
  );

const oddities: readonly Oddity[] = [
  { name: 'nothing wrong', make: () => undefined },
  {
    name: 'tensors that are not read',
    make: (dir) => added(dir, 'visual.weight'),
    warns: /visual\.weight: is not part of the model; expected/,
  },
  { name: 'tables that are computed anew', make: (dir) => added(dir, 'model.layers.0.self_attn.rotary_emb.inv_freq') },
  {
    name: 'NaN in what is not read',
    make: (dir) => {
      added(dir, 'x');
      rewrite(weights(dir), (name, values) => (name === 'x' ? values.fill(NaN) : values));
    },
    warns: /x: holds 2 NaN values/,
  },
  {
    name: 'a copy of the embedding as tied head',
    make: (dir) => {
      changeJson(file(dir, 'config.json'), { tie_word_embeddings: true });
      let embedding: Float32Array | undefined;
      rewrite(weights(dir), (name, values) => void (name === 'model.embed_tokens.weight' && (embedding = values)));
      rewrite(weights(dir), (name, values) => (name === 'lm_head.weight' ? embedding : values));
    },
  },
  {
    name: 'an unknown field',
    make: (dir) => changeJson(file(dir, 'config.json'), { router_aux_loss_coef: 0.1 }),
    warns: /router_aux_loss_coef: is 0\.1, a field this version does not know/,
  },
  {
    name: 'classes for another use',
    make: (dir) => changeJson(file(dir, 'config.json'), { architectures: ['LlamaForSequenceClassification'] }),
    warns: /architectures: .*expected a class for causal language models/,
  },
  {
    name: 'code for its configuration only',
    make: (dir) => changeJson(file(dir, 'config.json'), { auto_map: { AutoConfig: 'x.Y' } }),
    warns: /auto_map: .*it is never run/,
  },
  { name: 'padding of the first LLaMA', make: (dir) => changeJson(file(dir, 'config.json'), { pad_token_id: -1 }) },
  { name: 'several end tokens', make: (dir) => changeJson(file(dir, 'config.json'), { eos_token_id: [256, 257] }) },
  {
    name: 'another end token than the tokenizer',
    make: (dir) => changeJson(file(dir, 'config.json'), { eos_token_id: 3 }),
    warns: /eos_token_id: is 3; expected 256/,
  },
  {
    name: 'shards',
    make: (dir) =>
      write(dir, 'model.safetensors.index.json', JSON.stringify({ weight_map: Object.fromEntries(shard(dir)) })),
  },
  {
    name: 'a wrong total_size',
    make: (dir) =>
      write(
        dir,
        'model.safetensors.index.json',
        JSON.stringify({ metadata: { total_size: 1 }, weight_map: Object.fromEntries(shard(dir)) }),
      ),
    warns: /metadata\.total_size: is 1; expected \d+/,
  },
  {
    name: 'an index beside a single file',
    make: (dir) => write(dir, 'model.safetensors.index.json', '{}'),
    warns: /index\.json: there is model\.safetensors beside it/,
  },
  {
    name: 'a file that no index lists',
    make: (dir) => write(dir, 'consolidated.safetensors', rawSafetensors('{}')),
    warns: /consolidated\.safetensors: this file is not part of the checkpoint/,
  },
  { name: 'pickles beside the weights', make: (dir) => write(dir, 'pytorch_model.bin', 'never read') },
  {
    name: 'links to blobs elsewhere',
    make: (dir) => {
      const blobs = `${dir}-blobs`;
      mkdirSync(blobs);
      for (const name of ['model.safetensors', 'config.json', 'tokenizer.json']) {
        renameSync(file(dir, name), path.join(blobs, name));
        symlinkSync(path.join('..', path.basename(blobs), name), file(dir, name));
      }
    },
  },
  { name: 'spaces behind the header', make: (dir) => changeHeader(weights(dir), (text) => `${text}   `) },
  {
    name: 'tensors in another order',
    make: (dir) =>
      changeHeader(weights(dir), (text) =>
        JSON.stringify(Object.fromEntries(Object.entries(JSON.parse(text) as object).reverse())),
      ),
  },
  {
    name: 'more tokens than embeddings',
    make: (dir) => {
      const json = JSON.parse(readFileSync(file(dir, 'tokenizer.json'), 'utf8')) as { added_tokens: object[] };
      json.added_tokens.push({ id: 258, content: '<x>', special: true });
      write(dir, 'tokenizer.json', JSON.stringify(json));
    },
    warns: /has ids up to 258; expected ids below 258/,
  },
];

describe('legal but rare: a checkpoint with', () => {
  test.each(oddities)('$name', async ({ make, warns }) => {
    const dir = copyOf(fixture.model, fixture.folder);
    make(dir);
    const { errors, warnings } = await check(dir);
    expect(errors).toEqual([]);
    if (warns) expect(warnings.join('\n')).toMatch(warns);
    else expect(warnings).toEqual([]);
    const model = openBaseModel(dir);
    expect(loadAdapter(adapter, model).plan.layers.length).toBe(14);
    model.checkpoint.close();
    inspectCheckpoint(dir).close();
    const config = fixture.config('odd', { model: dir });
    (await prepareRun(config, readConfig(config))).close();
  });

  test('half-precision weights are merged as they are', async () => {
    const dir = copyOf(fixture.model, fixture.folder);
    respecify(weights(dir), (spec) => ({ ...spec, dtype: spec.name === Q ? 'BF16' : 'F16' }));
    expect((await check(dir)).errors).toEqual([]);
    const out = path.join(fixture.folder, 'half');
    await merge({ base: dir, adapter, out, dtype: 'keep' });
    expect(await check(out)).toEqual({ errors: [], warnings: [] });
  });
});
