/** @file Full fine-tuning, last layers and BitFit through the whole program, on both families: everything that knows an adapter knows them. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { openCheckpoint } from '../../../kernels/formats/checkpoint';
import { openSafetensors } from '../../../kernels/formats/safetensors';
import type { InspectedModule } from '../../../kernels/inspect/inspectAdapter';
import type { EvalRecord, RunInfo, SpectrumRecord } from '../../../kernels/protocol/types';
import { useEngine } from '../../support/engine';
import { NOT_LLAMA } from '../../support/tinyConfig';
import { writeTinyModel } from '../../support/tinyModel';
import { TINY_VOCABULARY, tinyTokenizerFiles } from '../../support/tinyTokenizer';
import { readRecords, trainingFixture } from '../../support/trainingFixture';

const engine = useEngine();
const fixture = trainingFixture();
const common = { vocab_size: TINY_VOCABULARY, eos_token_id: 256 };
const MODELS = {
  llama: writeTinyModel({
    config: { ...common, max_position_embeddings: 96, attention_bias: true, tie_word_embeddings: true },
    files: tinyTokenizerFiles(),
    dtype: 'F16',
    shards: 2,
  }),
  gpt2: writeTinyModel({
    config: { ...NOT_LLAMA, ...common, model_type: 'gpt2', n_embd: 16, n_head: 4, n_layer: 3, n_positions: 96 },
    files: tinyTokenizerFiles(),
  }),
} as const;

const CASES = [
  ['full', 'llama', {}],
  ['full', 'gpt2', {}],
  ['last_layers', 'llama', { num_layers: 1 }],
  ['last_layers', 'gpt2', { num_layers: 1 }],
  ['bitfit', 'gpt2', {}],
] as const;

const run = (name: string): string => path.join(fixture.folder, 'runs', name);
const bytes = (...parts: string[]): Buffer => readFileSync(path.join(...parts));

async function ok(...args: string[]): Promise<readonly Record<string, unknown>[]> {
  const finished = await engine.run(...args, '--json');
  expect([finished.status, finished.stderr]).toEqual([0, '']);
  return finished.records();
}

describe.each(CASES)('%s on %s', (method, model, keys) => {
  const base = MODELS[model];
  const name = `${method}-${model}`;
  const config = (title: string, more: object = {}): string =>
    fixture.config(title, {
      model: base,
      adapter: { method, r: undefined, lora_alpha: undefined, lora_dropout: undefined, ...keys, ...more },
      training: { max_steps: 12 },
    });
  const adapter = path.join(run(name), 'adapter');

  test('trains, and leaves the tensors under the names of the checkpoint, in float32, with the mark of the method', async () => {
    await ok('train', config(name), '--run', run(name));
    const evaluations = readRecords<EvalRecord>(path.join(run(name), 'metrics.jsonl')).filter((m) => m.kind === 'eval');
    expect(evaluations.at(-1)?.loss).toBeLessThan(evaluations[0]?.loss ?? 0);

    const [stored, checkpoint] = [
      openSafetensors(path.join(adapter, 'adapter_model.safetensors')),
      openCheckpoint(base),
    ];
    const info = JSON.parse(bytes(run(name), 'run.json').toString()) as RunInfo;
    const expected = [...checkpoint.tensors.values()].filter(({ name: tensor }) => {
      if (method === 'bitfit') return tensor.endsWith('bias');
      return method === 'full' || tensor.includes(model === 'llama' ? '.layers.1.' : 'h.2.');
    });
    expect([...stored.tensors.keys()].sort()).toEqual(expected.map((t) => t.name).sort());
    expect(info.parameters.trainable).toBe(expected.reduce((n, t) => n + t.shape.reduce((p, d) => p * d, 1), 0));
    for (const { name: tensor, dtype } of stored.tensors.values()) {
      expect(dtype).toBe('F32');
      const changed = stored.readF32(tensor).some((value, i) => value !== checkpoint.readF32(tensor)[i]);
      expect([tensor, changed]).toEqual([tensor, true]);
    }
    stored.close();
    checkpoint.close();
    expect(JSON.parse(bytes(adapter, 'adapter_config.json').toString())).toEqual({
      base_model_name_or_path: base,
      inference_mode: true,
      method,
      ...keys,
      peft_type: 'BASE_TENSORS',
      revision: null,
      task_type: 'CAUSAL_LM',
    });
  });

  test('draws rank curves of the trained linear layers: nothing at first, then a change of many directions', () => {
    const file = path.join(run(name), 'spectra.jsonl');
    if (method === 'bitfit') return expect(() => readRecords(file)).toThrow(/ENOENT/);
    const records = readRecords<SpectrumRecord>(file);
    const blocks = model === 'llama' ? 2 : 3;
    const layers = model === 'llama' ? 7 : 4;
    expect(new Set(records.map((r) => r.module)).size).toBe(method === 'full' ? layers * blocks : layers);
    expect(records.filter((r) => r.step === 0).every((r) => r.effective_rank === 0)).toBe(true);
    for (const { step, effective_rank: rank } of records) if (step === 12) expect(rank).toBeGreaterThan(1.5);
  });

  test('a run that was cut off goes on to the same bytes', async () => {
    const cut = run(`${name}-cut`);
    await ok('train', config(name), '--run', cut, '--set', 'training.max_steps=12');
    rmSync(path.join(cut, 'adapter'), { recursive: true });
    rmSync(path.join(cut, 'checkpoints', 'step-000012'), { recursive: true });
    const state = JSON.parse(bytes(cut, 'state.json').toString()) as object;
    writeFileSync(path.join(cut, 'state.json'), JSON.stringify({ ...state, status: 'stopped', step: 10 }));
    await ok('resume', cut);
    for (const file of ['adapter_model.safetensors', 'adapter_config.json'])
      expect(bytes(cut, 'adapter', file).equals(bytes(adapter, file))).toBe(true);
    expect(bytes(cut, 'checkpoints/step-000012/optimizer.safetensors')).toEqual(
      bytes(run(name), 'checkpoints/step-000012/optimizer.safetensors'),
    );
  });

  test('merges into a complete checkpoint in the type that is asked for, and back to the base to the bit', async () => {
    const [merged, restored] = [run(`${name}-merged`), run(`${name}-restored`)];
    const [report] = await ok('merge', '--base', base, '--adapter', adapter, '--out', merged, '--dtype', 'f32');
    expect(report?.maxAbsLogitDifference).toBeLessThan(1e-5);
    const [before, after, stored] = [
      openCheckpoint(base),
      openCheckpoint(merged),
      openSafetensors(path.join(adapter, 'adapter_model.safetensors')),
    ];
    expect([...after.tensors.keys()].sort()).toEqual([...before.tensors.keys()].sort());
    for (const tensor of after.tensors.keys()) {
      const source = stored.tensors.has(tensor) ? stored : before;
      expect(after.readF32(tensor)).toEqual(source.readF32(tensor));
    }
    [before, after, stored].forEach((file) => file.close());

    const kept = run(`${name}-kept`);
    await ok('merge', '--base', base, '--adapter', adapter, '--out', kept);
    await ok('unmerge', '--merged', kept, '--adapter', adapter, '--out', restored);
    const [old, back] = [openCheckpoint(base), openCheckpoint(restored)];
    for (const tensor of old.tensors.keys())
      expect(Buffer.from(back.readBytes(tensor))).toEqual(Buffer.from(old.readBytes(tensor)));
    [old, back].forEach((file) => file.close());
  });

  test('is evaluated, writes, is looked into, checked, and started from', async () => {
    const [last] = readRecords<EvalRecord>(path.join(run(name), 'metrics.jsonl'))
      .filter((m) => m.kind === 'eval')
      .slice(-1);
    const [evaluated] = await ok('eval', config(name), '--adapter', adapter);
    expect(evaluated?.loss).toBeCloseTo(last?.loss ?? NaN, 5);
    const ask = ['generate', '--base', base, '--prompt', 'abc', '--max-new-tokens', '8', '--device', 'cpu'];
    const [plain, written] = [await ok(...ask), await ok(...ask, '--adapter', adapter)];
    if (method !== 'bitfit') expect(written).not.toEqual(plain);
    const [inspected] = await ok('inspect', adapter);
    const info = JSON.parse(bytes(run(name), 'run.json').toString()) as RunInfo;
    expect(inspected).toMatchObject({ method, parameters: info.parameters.trainable });
    const spectra = path.join(run(name), 'spectra.jsonl');
    const recorded = method === 'bitfit' ? [] : readRecords<SpectrumRecord>(spectra).filter((r) => r.step === 12);
    const modules = new Map((inspected?.modules as readonly InspectedModule[]).map((m) => [m.module, m.update]));
    for (const { module, effective_rank: rank } of recorded) {
      // This GPT-2 is stored without its head: the file has the checkpoint's names, the records those of the whole model.
      const stored = modules.get(module) ?? modules.get(module.replace('transformer.', ''));
      expect(stored?.effective_rank).toBeCloseTo(rank, 4);
    }
    const [checked] = await ok('check', adapter, '--base', base);
    expect(checked).toMatchObject({ errors: 0, warnings: 0 });
    const again = run(`${name}-again`);
    await ok('train', config(`${name}-again`, { init_from: adapter }), '--run', again);
    const [first] = readRecords<EvalRecord>(path.join(again, 'metrics.jsonl'));
    expect(first?.loss).toBeCloseTo(last?.loss ?? NaN, 5);
  });
});

test.each([
  ['bitfit on a model without biases', { method: 'bitfit' }, {}, /adapter\.method.*has no biases/],
  [
    'more blocks than there are',
    { method: 'last_layers', num_layers: 5 },
    {},
    /num_layers.*is 5.*model is 2.*at most 2/,
  ],
  ['a rank', { method: 'full', r: 4 }, {}, /adapter\.r.*unknown key "r"; this key belongs to method lora/],
  ['dropout', { method: 'bitfit', lora_dropout: 0.1 }, {}, /lora_dropout.*belongs to method/],
  [
    'a ratio of LoRA+',
    { method: 'full' },
    { loraplus_lr_ratio: 4 },
    /loraplus_lr_ratio.*no effect with Full fine-tuning/,
  ],
] as const)('%s is refused', async (_, own, training, message) => {
  const adapter = { r: undefined, lora_alpha: undefined, lora_dropout: undefined, ...own };
  const file = fixture.config('refused', { adapter, training });
  const finished = await engine.run('train', file);
  expect(finished.status).toBe(2);
  expect(finished.stderr).toMatch(message);
});

test('the help on a method says what it costs', async () => {
  const { stdout } = await engine.run('help', 'full');
  expect(stdout).toMatch(/20 bytes/);
  expect((await engine.run('help')).stdout).toMatch(/last_layers +Last layers/);
});
