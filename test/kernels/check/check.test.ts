/** @file `check` through the real program: every kind of path, every kind of mistake, one line for each. */
import { cpSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { openSafetensors } from '../../../kernels/formats/safetensors';
import type { TensorSpec } from '../../../kernels/formats/safetensors';
import { SafetensorsWriter } from '../../../kernels/formats/safetensorsWriter';
import type { Problem } from '../../../kernels/protocol/errors';
import { useEngine } from '../../support/engine';
import { trainingFixture } from '../../support/trainingFixture';
import { writeTinyModel } from '../../support/tinyModel';

const engine = useEngine();
const fixture = trainingFixture();
const adapterOf = path.join(fixture.folder, 'run', 'adapter');

beforeAll(async () => {
  const config = fixture.config('made', { training: { max_steps: 1 } });
  expect((await engine.run('train', config, '--run', path.dirname(adapterOf))).status).toBe(0);
});

interface Checked {
  readonly status: number | null;
  readonly lines: readonly string[];
}

/** The lines of the program without the last, which counts them. */
async function check(...args: readonly string[]): Promise<Checked> {
  const { status, stdout, stderr } = await engine.run('check', ...args);
  expect(stderr).toBe('');
  return { status, lines: stdout.trimEnd().split('\n').slice(0, -1) };
}

let copies = 0;
function copyOf(dir: string): string {
  const copy = path.join(fixture.folder, `copy-${copies++}`);
  cpSync(dir, copy, { recursive: true });
  return copy;
}

type Edit = (name: string, values: Float32Array) => Float32Array | null | undefined;

/** Rewrites a safetensors file; `null` leaves a tensor out. */
function rewrite(file: string, edit: Edit, added: readonly TensorSpec[] = []): void {
  const from = openSafetensors(file);
  const kept = [...from.tensors.values()].flatMap((spec) => {
    const values = from.readF32(spec.name);
    const changed = edit(spec.name, values);
    return changed === null ? [] : [{ spec, values: changed ?? values }];
  });
  from.close();
  const writer = SafetensorsWriter.create(`${file}.new`, [...kept.map((k) => k.spec), ...added]);
  for (const { spec, values } of kept) writer.writeF32(spec.name, values);
  for (const { name, shape } of added) writer.writeF32(name, new Float32Array(shape.reduce((n, d) => n * d, 1)));
  writer.commit();
  renameSync(`${file}.new`, file);
}

const changeJson = (file: string, changes: object): void =>
  writeFileSync(file, JSON.stringify({ ...(JSON.parse(readFileSync(file, 'utf8')) as object), ...changes }));

describe('nothing is wrong', () => {
  test('with what a run made and was made from', async () => {
    const everything = [fixture.model, adapterOf, fixture.trainFile, fixture.evalFile, fixture.config('fine')];
    const files = [path.join(fixture.model, 'model.safetensors'), path.join(adapterOf, 'adapter_model.safetensors')];
    expect(await check(...everything, ...files)).toEqual({ status: 0, lines: [] });
    const checkpoint = path.join(path.dirname(adapterOf), 'checkpoints', 'step-000001');
    expect(await check(checkpoint, '--base', fixture.model)).toEqual({ status: 0, lines: [] });
  });

  test('and as data: what was checked, counts and problems', async () => {
    const finished = await engine.run('check', fixture.model, adapterOf, '--json');
    expect(finished.records()).toEqual([
      {
        checked: [
          { path: fixture.model, kind: 'checkpoint' },
          { path: adapterOf, kind: 'adapter' },
        ],
        errors: 0,
        warnings: 0,
        problems: [],
      },
    ]);
  });
});

describe('a checkpoint', () => {
  test('with NaN, infinity and a missing tensor: all are listed', async () => {
    const dir = copyOf(fixture.model);
    const weights = path.join(dir, 'model.safetensors');
    const gone = 'model.layers.1.mlp.up_proj.weight';
    const edit: Edit = (name, values) => {
      if (name === gone) return null;
      if (name === 'model.norm.weight') values[5] = Infinity;
      if (name === 'model.layers.0.self_attn.q_proj.weight') values.fill(NaN, 16 + 2, 16 + 4);
      return values;
    };
    rewrite(weights, edit);
    const { status, lines } = await check(dir);
    expect(status).toBe(2);
    expect(lines).toHaveLength(3);
    for (const part of [
      `${dir}: ${gone}: is missing; expected a tensor [24, 16]`,
      `${weights}: model.norm.weight: holds 1 infinite value, the first at [5]; expected finite values`,
      `${weights}: model.layers.0.self_attn.q_proj.weight: holds 2 NaN values, the first at [1, 2]; expected finite`,
    ]) {
      expect(lines.some((line) => line.startsWith(part))).toBe(true);
    }
  });

  test('with a tensor that the model does not read: a warning', async () => {
    const dir = copyOf(fixture.model);
    const file = path.join(dir, 'model.safetensors');
    rewrite(file, () => undefined, [{ name: 'extra.weight', dtype: 'F32', shape: [2] }]);
    expect(await check(dir)).toEqual({
      status: 0,
      lines: [
        `${file}: warning: extra.weight: is not part of the model; expected the tensors of a llama model; this one is not read`,
      ],
    });
  });

  test('with wrong, unsupported and unknown fields', async () => {
    const dir = copyOf(fixture.model);
    const file = path.join(dir, 'config.json');
    changeJson(file, { hidden_act: 'gelu', num_key_value_heads: 3 });
    const { status, lines } = await check(dir);
    expect(status).toBe(2);
    expect(lines.map((line) => line.split(';')[0])).toEqual([
      `${file}: num_key_value_heads: is 3`,
      `${file}: hidden_act: is "gelu"`,
    ]);
    changeJson(file, { hidden_act: 'silu', num_key_value_heads: 2, router_aux_loss_coef: 0.1 });
    expect(await check(dir)).toMatchObject({
      status: 0,
      lines: [
        expect.stringContaining(`${file}: warning: router_aux_loss_coef: is 0.1, a field this version does not know`),
      ],
    });
    changeJson(file, { model_type: 'gpt_neox' });
    expect(await check(dir)).toMatchObject({
      status: 2,
      lines: [expect.stringContaining(`${file}: model_type: is "gpt_neox"; expected one of llama,`)],
    });
  });

  test('whose weights cannot be opened is still read on: its configuration and its other files', async () => {
    const dir = writeTinyModel({ shards: 2 });
    writeFileSync(path.join(dir, 'model-00001-of-00002.safetensors'), 'no');
    changeJson(path.join(dir, 'config.json'), { hidden_act: 'gelu' });
    rewrite(path.join(dir, 'model-00002-of-00002.safetensors'), (_, values) => values.fill(NaN));
    const { status, lines } = await check(dir);
    expect(status).toBe(2);
    const starts = [
      `${path.join(dir, 'model-00001-of-00002.safetensors')}: header: a file of 2 bytes`,
      `${path.join(dir, 'config.json')}: hidden_act: is "gelu"`,
      `${path.join(dir, 'model-00002-of-00002.safetensors')}: `,
    ];
    for (const start of starts) expect(lines.some((line) => line.startsWith(start))).toBe(true);
  });

  test('whose tokenizer or chat template cannot be read', async () => {
    const dir = copyOf(fixture.model);
    changeJson(path.join(dir, 'tokenizer_config.json'), { chat_template: '{% for m in messages %}' });
    expect(await check(dir)).toMatchObject({
      status: 2,
      lines: [expect.stringContaining(`${path.join(dir, 'tokenizer_config.json')}: the chat template cannot be read`)],
    });
    writeFileSync(path.join(dir, 'tokenizer.json'), '{"model":{"type":"WordLevel"}}');
    expect(await check(dir)).toMatchObject({ status: 2, lines: [expect.stringContaining('WordLevel')] });
    rmSync(path.join(dir, 'tokenizer.json'));
    expect(await check(dir)).toMatchObject({
      status: 0,
      lines: [expect.stringContaining('tokenizer.json: warning: ')],
    });
  });

  test('that is pickled is refused unread', async () => {
    const dir = path.join(fixture.folder, 'pickled');
    mkdirSync(dir);
    writeFileSync(path.join(dir, 'config.json'), '{"model_type":"llama"}');
    writeFileSync(path.join(dir, 'pytorch_model.bin'), '');
    const { status, lines } = await check(dir, path.join(dir, 'pytorch_model.bin'));
    expect(status).toBe(2);
    expect(lines[0]).toMatch(/only pickle weights \(pytorch_model\.bin\); expected model\.safetensors/);
    expect(lines.at(-1)).toMatch(/pytorch_model\.bin: this is a pickle file; expected/);
  });
});

describe('an adapter', () => {
  test('for another model: every tensor that does not fit', async () => {
    const wide = writeTinyModel({ config: { vocab_size: 258, hidden_size: 32 } });
    const { status, lines } = await check(adapterOf, '--base', wide);
    expect(status).toBe(2);
    expect(lines).toContain(`${adapterOf}: lora_A of model.layers.1.self_attn.q_proj: is [3, 16]; expected [3, 32]`);
    // All but the inputs of o_proj and down_proj, which the width does not change, and outputs other than theirs.
    expect(lines).toHaveLength(2 * 7);
  });

  test('with NaN, without one of its tensors, with one too many', async () => {
    const dir = copyOf(adapterOf);
    const weights = path.join(dir, 'adapter_model.safetensors');
    const prefix = 'base_model.model.model.layers.0.self_attn.q_proj';
    rewrite(weights, (name, values) => {
      if (name === `${prefix}.lora_A.weight`) values[17] = NaN;
      return values;
    });
    const damaged = await check(dir);
    expect(damaged.status).toBe(2);
    expect(damaged.lines).toContain(
      `${weights}: ${prefix}.lora_A.weight: holds 1 NaN value, the first at [1, 1]; expected finite values`,
    );
    rewrite(weights, (name) => (name === `${prefix}.lora_A.weight` ? null : undefined));
    expect(await check(dir)).toMatchObject({
      status: 2,
      lines: [`${weights}: model.layers.0.self_attn.q_proj: lora_B alone; expected lora_A beside it`],
    });
    rewrite(weights, (name) => (name.startsWith(prefix) ? null : undefined));
    const without = await check(dir);
    expect(without.status).toBe(2);
    expect(without.lines.map((line) => line.split(';')[0])).toEqual([
      `${dir}: lora_A of model.layers.0.self_attn.q_proj: is missing`,
      `${dir}: lora_B of model.layers.0.self_attn.q_proj: is missing`,
    ]);
  });

  test('of another kind, pickled, or with a broken configuration', async () => {
    const dir = copyOf(adapterOf);
    const file = path.join(dir, 'adapter_config.json');
    changeJson(file, { peft_type: 'IA3' });
    expect(await check(dir)).toMatchObject({ status: 2, lines: [expect.stringContaining(`${file}: peft_type: `)] });
    writeFileSync(file, '{"r": 3,\n');
    expect(await check(dir)).toMatchObject({ status: 2, lines: [expect.stringContaining(`${file}:2: `)] });
    renameSync(path.join(dir, 'adapter_model.safetensors'), path.join(dir, 'adapter_model.bin'));
    expect(await check(dir)).toMatchObject({ status: 2, lines: [expect.stringContaining('only pickle weights')] });
  });

  test('whose base is not on disk is read, and a warning says that its fit was not checked', async () => {
    const dir = copyOf(adapterOf);
    changeJson(path.join(dir, 'adapter_config.json'), { base_model_name_or_path: 'someone/some-model' });
    expect(await check(dir)).toMatchObject({
      status: 0,
      lines: [
        expect.stringMatching(
          /warning: base_model_name_or_path: is "someone\/some-model", which is not on disk; give it with --base DIR/,
        ),
      ],
    });
  });
});

describe('a data file', () => {
  const file = (name: string, text: string): string => {
    const target = path.join(fixture.folder, name);
    writeFileSync(target, text);
    return target;
  };

  test('has every bad line listed, more than a run would name', async () => {
    const rows = Array.from({ length: 200 }, (_, i) => (i % 2 === 0 ? `{"text":"${i}"}` : `{"text":${i}}`));
    const data = file('half.jsonl', rows.join('\n'));
    const { status, lines } = await check(data);
    expect(status).toBe(2);
    expect(lines).toHaveLength(100);
    expect(lines[3]).toBe(`${data}:8: text: found number 7; expected text`);
  });

  test('of every ending: lines, a list, Parquet', async () => {
    const list = file('list.json', '[{"text":"a"},\n{"text":1},\n2]');
    expect(await check(list)).toMatchObject({
      status: 2,
      lines: [`${list}:2: text: found number 1; expected text`, expect.stringContaining(`${list}:3: found number 2`)],
    });
    expect(await check(path.resolve('test/kernels/data/parquet/pairs-gzip.parquet'))).toEqual({ status: 0, lines: [] });
    const no = file('no.parquet', 'no');
    expect(await check(no)).toMatchObject({ status: 2, lines: [expect.stringMatching(/cannot be read as Parquet/)] });
    const empty = file('empty.jsonl', '\n\n');
    expect(await check(empty)).toEqual({ status: 2, lines: [`${empty}: found no samples; expected at least one`] });
  });

  test('whose format cannot be told, or is none', async () => {
    const both = file('both.jsonl', '{"text":"a","prompt":"b","completion":"c"}\n');
    expect(await check(both)).toMatchObject({
      status: 2,
      lines: [
        `${both}:1: found keys that fit the formats text and prompt-completion; write data.format to say which one is meant`,
      ],
    });
    const none = file('none.jsonl', '{"question":"a"}\n{"question":"b"}\n');
    const { status, lines } = await check(none);
    expect(status).toBe(2);
    expect(lines).toHaveLength(2);
    expect(lines[1]).toContain(`${none}:2: found the keys "question"; expected text, or prompt and completion, or`);
  });

  test('is read with the tokenizer and template of a base model, when there is one', async () => {
    const chats = file(
      'chats.jsonl',
      '{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]}\n{"messages":[{"role":"user","content":"a"}]}\n',
    );
    expect(await check(chats)).toMatchObject({
      status: 0,
      lines: [expect.stringContaining(`${chats}:2: warning: 1 of 2 samples hold no answer of the assistant`)],
    });
    expect(await check(chats, '--base', fixture.model)).toMatchObject({
      status: 0,
      lines: [expect.stringContaining(`${chats}:2: warning: 1 of 2 samples hold no token that carries loss`)],
    });
    const plain = writeTinyModel({
      config: { vocab_size: 258 },
      files: { 'tokenizer.json': readFileSync(path.join(fixture.model, 'tokenizer.json'), 'utf8') },
    });
    expect(await check(chats, '--base', plain)).toMatchObject({
      status: 2,
      lines: expect.arrayContaining([expect.stringContaining('the checkpoint has no chat template')]),
    });
  });
});

describe('a configuration', () => {
  test('with mistakes is listed by line, and nothing behind it is read', async () => {
    const file = fixture.config('mistakes', { training: { learning_rate: 'fast', eval_stps: 1 } });
    const { status, lines } = await check(file);
    expect(status).toBe(2);
    expect(lines).toEqual([
      expect.stringMatching(/mistakes\.adapter\.yaml:\d+: training\.learning_rate: /),
      expect.stringMatching(/mistakes\.adapter\.yaml:\d+: training\.eval_stps: .*"eval_steps"/),
    ]);
  });

  test('is followed to its model, its data and its initial adapter', async () => {
    const model = copyOf(fixture.model);
    rewrite(path.join(model, 'model.safetensors'), (name, values) =>
      name === 'lm_head.weight' ? values.fill(NaN) : values,
    );
    const data = path.join(fixture.folder, 'one-bad.jsonl');
    writeFileSync(data, '{"prompt":"a","completion":"b"}\n{"prompt":"a"}\n');
    const file = fixture.config('followed', {
      model,
      data: { train: data, max_length: 97 },
      adapter: { init_from: adapterOf, r: 4, target_modules: ['q_proj', 'c_attn'] },
    });
    const { status, lines } = await check(file);
    expect(status).toBe(2);
    const expected = [
      /followed\.adapter\.yaml:\d+: data\.max_length: is 97; expected at most 96/,
      /followed\.adapter\.yaml:\d+: adapter\.target_modules(\.1)?: c_attn matches no linear layer/,
      /model\.safetensors: lm_head\.weight: holds 4128 NaN values, the first at \[0, 0\]/,
      /one-bad\.jsonl:2: completion: found nothing; expected text/,
    ];
    for (const pattern of expected)
      expect(
        lines.some((line) => pattern.test(line)),
        String(pattern),
      ).toBe(true);
  });

  test('says what of its data is not trained on', async () => {
    const data = path.join(fixture.folder, 'long-rows.jsonl');
    const row = (p: number, c: number): string => JSON.stringify({ prompt: 'a'.repeat(p), completion: 'b'.repeat(c) });
    writeFileSync(data, `${row(2, 2)}\n${row(70, 2)}\n${row(60, 20)}\n`);
    const { status, lines } = await check(fixture.config('cut', { data: { train: data } }));
    expect(status).toBe(0);
    expect(lines).toEqual([
      expect.stringContaining(`${data}:2: warning: 1 of 3 samples hold no token that carries loss`),
      expect.stringContaining(`${data}: warning: 2 of 3 samples have more than 64 tokens`),
    ]);
    const { lines: none } = await check(fixture.config('empty', { data: { train: data, max_length: 2 } }));
    expect(
      none.some((line) =>
        /data\.train: holds no sample that can be trained on \(.*\); expected at least one/.test(line),
      ),
    ).toBe(true);
  });
});

test('what is none of these is refused, and several paths are checked in one call', async () => {
  const other = path.join(fixture.folder, 'notes.txt');
  writeFileSync(other, '');
  const empty = path.join(fixture.folder, 'nothing');
  mkdirSync(empty);
  const { status, lines } = await check(other, path.join(fixture.folder, 'gone'), empty, fixture.model);
  expect(status).toBe(2);
  expect(lines.map((line) => line.split('; ')[0])).toEqual([
    `${other}: the ending .txt is not known`,
    `${path.join(fixture.folder, 'gone')}: there is nothing at this path`,
    `${empty}: this folder holds no config.json, no adapter_config.json and no weights`,
  ]);
  expect(await engine.run('check')).toMatchObject({ status: 2, stdout: '' });
});

test('with --json the problems are data on stdout and lines on stderr', async () => {
  const gone = path.join(fixture.folder, 'gone');
  const finished = await engine.run('check', gone, '--json');
  expect(finished.status).toBe(2);
  const [{ errors, problems }] = finished.records() as [{ errors: number; problems: Problem[] }];
  expect({ errors, problems }).toEqual({
    errors: 1,
    problems: [expect.objectContaining({ file: gone, severity: 'error' })],
  });
  expect(finished.stderr).toMatch(new RegExp(`^${gone}: there is nothing at this path; expected `));
});
