/** @file Merging and unmerging on small checkpoints: numbers, bytes that must not change, files, refusals, cancelling. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadAdapter, saveAdapter } from '../../../kernels/adapters/adapterFile';
import { planAdapter } from '../../../kernels/adapters/plan';
import { adapterMethods } from '../../../kernels/adapters/registry';
import { openCheckpoint } from '../../../kernels/formats/checkpoint';
import { SafetensorsWriter } from '../../../kernels/formats/safetensorsWriter';
import { compareLogits } from '../../../kernels/merge/proof';
import { merge } from '../../../kernels/merge/merge';
import { unmerge } from '../../../kernels/merge/unmerge';
import { openBaseModel } from '../../../kernels/models/baseModel';
import { KernelError } from '../../../kernels/protocol/errors';
import type { MergeReport, UnmergeReport } from '../../../kernels/protocol/types';
import { Parameters } from '../../../kernels/trainer/parameters';
import type { TinyModel } from '../../support/tinyCheckpoint';
import { temporaryFolder, writeTinyModel } from '../../support/tinyModel';
import { trainedAdapter } from '../../support/trainedAdapter';

interface Workplace {
  readonly base: string;
  readonly adapter: string;
  readonly out: string;
}

/** A base, an adapter on it as if it had been trained, and where the merged model goes. */
const workplace = (model: TinyModel, config: Readonly<Record<string, unknown>> = {}, method = 'lora'): Workplace => ({
  ...trainedAdapter({ model, method, config }),
  out: path.join(temporaryFolder(), 'nested', 'merged'),
});

/** float32: rounding of single operations. Half precision: a unit in the last place of each weight, through two blocks. */
const SMALL = { F32: 1e-5, F16: 5e-3, BF16: 5e-2 } as const;

/** What a method cannot do without in its base model. */
const NEEDED: Readonly<Record<string, TinyModel['config']>> = { bitfit: { attention_bias: true } };

describe.each(adapterMethods.filter((m) => m.mergedWeight).map((m) => m.id))('merging %s', (method) => {
  it.each([
    ['one file', {}, {}],
    ['three shards', { shards: 3 }, {}],
    ['F16', { dtype: 'F16' }, {}],
    ['BF16 in two shards', { dtype: 'BF16', shards: 2 }, {}],
    ['biases', { config: { attention_bias: true, mlp_bias: true } }, { bias: 'all' }],
    ['a tied head', { config: { tie_word_embeddings: true } }, {}],
    [
      'a tied head trained for itself',
      { config: { tie_word_embeddings: true }, shards: 2 },
      { modules_to_save: ['lm_head'] },
    ],
    [
      'a tied embedding trained for itself',
      { config: { tie_word_embeddings: true } },
      { modules_to_save: ['embed_tokens'] },
    ],
  ] as const)('computes what base + adapter compute: %s', async (_, model: TinyModel, config) => {
    const work = workplace({ ...model, config: { ...NEEDED[method], ...model.config } }, config, method);
    const report = await merge({ ...work, dtype: 'keep' });
    expect(report.maxAbsLogitDifference).toBeLessThan(SMALL[model.dtype ?? 'F32']);
    expect(report.meanAbsLogitDifference).toBeLessThanOrEqual(report.maxAbsLogitDifference);
    expect(report.maxAbsLogit).toBeGreaterThan(0.1);
    expect(report.positions).toBe(48);
  });
});

describe('the merged folder', () => {
  it('keeps files, shards and metadata, copies what no adapter changed byte for byte, and leaves other weights behind', async () => {
    const files = {
      'tokenizer_config.json': '{"a": 1}\n',
      'generation_config.json': '{}',
      'chat_template.jinja': '{{ x }}',
      'pytorch_model.bin': 'pickle',
      'model.gguf': 'other weights',
      '.cache': 'hidden',
    };
    const work = workplace({ shards: 3, dtype: 'F16', files }, { target_modules: ['q_proj'] });
    const report = await merge({ ...work, dtype: 'keep' });
    expect(report).toMatchObject({ changedTensors: 2, dtype: 'f16', out: work.out });
    const dropped = ['pytorch_model.bin', 'model.gguf', '.cache'];
    const kept = readdirSync(work.base).filter((f) => !dropped.includes(f));
    expect(readdirSync(work.out).sort()).toEqual([...kept, 'unmerge'].sort());
    expect(readFileSync(path.join(work.out, 'config.json'))).toEqual(readFileSync(path.join(work.base, 'config.json')));
    const [before, after] = [openCheckpoint(work.base), openCheckpoint(work.out)];
    expect([...after.shards.values()]).toEqual([...before.shards.values()]);
    expect(after.indexMetadata).toMatchObject({ note: 'kept' });
    for (const name of before.tensors.keys()) {
      const isSame = Buffer.from(before.readBytes(name)).equals(Buffer.from(after.readBytes(name)));
      expect([name, isSame]).toEqual([name, !name.includes('q_proj')]);
    }
    before.close();
    after.close();
  });

  it('writes a head of its own where the tie is broken, and says so in config.json', async () => {
    const work = workplace({ config: { tie_word_embeddings: true }, shards: 2 }, { modules_to_save: ['lm_head'] });
    await merge({ ...work, dtype: 'keep' });
    expect(readJson(work.out, 'config.json').tie_word_embeddings).toBe(false);
    const [before, after] = [openCheckpoint(work.base), openCheckpoint(work.out)];
    expect(after.tensor('lm_head.weight').shape).toEqual(before.tensor('model.embed_tokens.weight').shape);
    expect(after.readF32('model.embed_tokens.weight')).toEqual(before.readF32('model.embed_tokens.weight'));
    expect(after.readF32('lm_head.weight')).not.toEqual(before.readF32('model.embed_tokens.weight'));
    before.close();
    after.close();
  });

  it.each([
    ['f32', 'F32', 'float32'],
    ['f16', 'F16', 'float16'],
    ['bf16', 'BF16', 'bfloat16'],
  ] as const)('has the type that was asked for: %s', async (dtype, stored, named) => {
    const work = workplace({ shards: 2 });
    const report = await merge({ ...work, dtype });
    const checkpoint = openCheckpoint(work.out);
    expect(new Set([...checkpoint.tensors.values()].map((t) => t.dtype))).toEqual(new Set([stored]));
    checkpoint.close();
    expect(readJson(work.out, 'config.json').torch_dtype).toBe(named);
    expect(report.maxAbsLogitDifference).toBeLessThan(SMALL[stored]);
  });

  it('is refused in float16 when a weight would become infinite', async () => {
    const work = workplace({}, { lora_alpha: 1e7 });
    await expect(merge({ ...work, dtype: 'f16' })).rejects.toThrow(/float16 cannot/);
    expect(existsSync(work.out)).toBe(false);
  });
});

describe('the proof', () => {
  it('shows when two models differ', async () => {
    const [a, b] = [openBaseModel(writeTinyModel({ seed: 1 })), openBaseModel(writeTinyModel({ seed: 2 }))];
    const side = (model: typeof a) => ({ model, plan: null, parameters: null });
    const different = await compareLogits(side(a), side(b), { threads: 1 });
    const same = await compareLogits(side(a), side(a), { threads: 1 });
    expect(different.maxAbsLogitDifference).toBeGreaterThan(0.1);
    expect(same.maxAbsLogitDifference).toBe(0);
    a.checkpoint.close();
    b.checkpoint.close();
  });
});

describe('unmerging', () => {
  it.each([
    ['F32', 1e-6],
    ['F16', 2e-3],
    ['BF16', 2e-2],
  ] as const)('restores the base within the rounding of %s, and says by how much', async (dtype, tolerance) => {
    const work = workplace({ dtype, shards: 2 });
    await merge({ ...work, dtype: 'keep' });
    const restored = path.join(temporaryFolder(), 'restored');
    const report = await unmerge({ merged: work.out, adapter: work.adapter, out: restored });
    expect(report.changedTensors).toBe(14);
    expect(report.comparedWith).toBe(work.base);
    expect(report.maxAbsWeightDifference).toBeLessThan(tolerance);
    expect(report.maxAbsWeight).toBeGreaterThan(0.1);
  });

  it('ties the head again and takes what was trained in full from the base', async () => {
    const work = workplace({ config: { tie_word_embeddings: true } }, { modules_to_save: ['lm_head', 'norm'] });
    await merge({ ...work, dtype: 'keep' });
    const restored = path.join(temporaryFolder(), 'restored');
    const report = await unmerge({ merged: work.out, adapter: work.adapter, out: restored });
    expect(report.maxAbsWeightDifference).toBeLessThan(1e-6);
    expect(readJson(restored, 'config.json').tie_word_embeddings).toBe(true);
    const [before, after] = [openCheckpoint(work.base), openCheckpoint(restored)];
    expect([...after.tensors.keys()]).toEqual([...before.tensors.keys()]);
    expect(after.readF32('model.norm.weight')).toEqual(before.readF32('model.norm.weight'));
    before.close();
    after.close();
  });

  it('is refused when tensors were trained in full and the base is gone', async () => {
    const work = workplace({}, { modules_to_save: ['lm_head'] });
    await merge({ ...work, dtype: 'keep' });
    const config = { ...readJson(work.adapter, 'adapter_config.json'), base_model_name_or_path: 'org/elsewhere' };
    writeFileSync(path.join(work.adapter, 'adapter_config.json'), JSON.stringify(config));
    const out = path.join(temporaryFolder(), 'restored');
    await expect(unmerge({ merged: work.out, adapter: work.adapter, out })).rejects.toThrow(
      /lm_head\.weight were trained in full; expected the base model.*org\/elsewhere/,
    );
    expect(existsSync(out)).toBe(false);
  });

  it('without the base on disk restores adapted weights and compares nothing', async () => {
    const work = workplace({});
    await merge({ ...work, dtype: 'keep' });
    const config = { ...readJson(work.adapter, 'adapter_config.json'), base_model_name_or_path: null };
    writeFileSync(path.join(work.adapter, 'adapter_config.json'), JSON.stringify(config));
    const report = await unmerge({
      merged: work.out,
      adapter: work.adapter,
      out: path.join(temporaryFolder(), 'restored'),
    });
    expect(report.maxAbsWeightDifference).toBeUndefined();
    expect(report.comparedWith).toBeUndefined();
  });
});

it('a copy that a checkpoint holds of its tied embedding goes with it, there and back', async () => {
  const { base, adapter, out } = workplace({}, {}, 'full');
  const untied = openCheckpoint(base);
  const tensors = [...untied.tensors.values()].map(({ name, shape }) => {
    const data = untied.readF32(name === 'lm_head.weight' ? 'model.embed_tokens.weight' : name);
    return { name, shape, data, dtype: 'F32' as const };
  });
  untied.close();
  const writer = SafetensorsWriter.create(path.join(base, 'model.safetensors'), tensors);
  for (const { name, data } of tensors) writer.writeF32(name, data);
  writer.commit();
  const tied = { ...readJson(base, 'config.json'), tie_word_embeddings: true };
  writeFileSync(path.join(base, 'config.json'), JSON.stringify(tied));
  const model = openBaseModel(base);
  const full = adapterMethods.find((m) => m.id === 'full')!;
  const plan = planAdapter(full, {}, model);
  const parameters = new Parameters(plan).initialise(model, 1);
  parameters.trained.forEach((value, i) => (parameters.trained[i] = 1.5 * value));
  model.checkpoint.close();
  saveAdapter(adapter, plan, parameters, { baseModelPath: base });
  await merge({ base, adapter, out, dtype: 'keep' });
  const restored = path.join(temporaryFolder(), 'restored');
  await unmerge({ merged: out, adapter, out: restored });
  const [before, after, back] = [openCheckpoint(base), openCheckpoint(out), openCheckpoint(restored)];
  expect(after.readF32('lm_head.weight')).toEqual(after.readF32('model.embed_tokens.weight'));
  for (const name of before.tensors.keys()) expect(back.readF32(name)).toEqual(before.readF32(name));
  [before, after, back].forEach((file) => file.close());
});

describe.each(adapterMethods.map((m) => m.id))('unmerging %s', (method) => {
  it.each([{ attention_bias: true }, { attention_bias: true, tie_word_embeddings: true }])(
    'restores the base with %j',
    async (config) => {
      const work = workplace({ config }, {}, method);
      await merge({ ...work, dtype: 'keep' });
      const out = path.join(temporaryFolder(), 'restored');
      const report = await unmerge({ merged: work.out, adapter: work.adapter, out });
      expect(report.maxAbsWeightDifference).toBeLessThan(1e-5 * (report.maxAbsWeight ?? NaN));
    },
  );
});

describe('what a merge notes for the way back', () => {
  const unmergedTo = (work: Workplace): Promise<UnmergeReport> =>
    unmerge({ merged: work.out, adapter: work.adapter, out: path.join(temporaryFolder(), 'restored') });

  it('has tensors only where the merged weight does not tell them', async () => {
    const [dora, lora] = [workplace({}, {}, 'dora'), workplace({})];
    await merge({ ...dora, dtype: 'keep' });
    await merge({ ...lora, dtype: 'keep' });
    expect(readdirSync(path.join(dora.out, 'unmerge')).sort()).toEqual(['record.json', 'record.safetensors']);
    expect(readdirSync(path.join(lora.out, 'unmerge'))).toEqual(['record.json']);
  });

  it('brings ResLoRA merged by the norms of weights back, too', async () => {
    const config = { variant: 'is', merge: 'weight' };
    const work = workplace({ config: { num_hidden_layers: 4 } }, config, 'reslora');
    await merge({ ...work, dtype: 'keep' });
    expect((await unmergedTo(work)).maxAbsWeightDifference).toBeLessThan(1e-5);
  });

  it('is asked for where it is gone', async () => {
    const work = workplace({}, {}, 'dora');
    await merge({ ...work, dtype: 'keep' });
    rmSync(path.join(work.out, 'unmerge', 'record.safetensors'));
    await expect(unmergedTo(work)).rejects.toThrow(
      /record\.safetensors: norm of \S+ was not noted when the adapter was merged; .*keep the base/,
    );
  });

  it('does not help where a magnitude is 0: the row is gone', async () => {
    const work = workplace({}, {}, 'dora');
    const model = openBaseModel(work.base);
    const { plan, parameters } = loadAdapter(work.adapter, model);
    parameters.get('model.layers.1.mlp.up_proj.lora_magnitude_vector')?.fill(0, 3, 4);
    saveAdapter(work.adapter, plan, parameters, { baseModelPath: work.base });
    model.checkpoint.close();
    await merge({ ...work, dtype: 'keep' });
    await expect(unmergedTo(work)).rejects.toThrow(/layers\.1\.mlp\.up_proj was multiplied with 0.*keep the base/);
  });
});

describe('an adapter on the embedding or the head', () => {
  it.each([
    ['lora', { target_modules: ['embed_tokens', 'v_proj'] }, false],
    ['lora', { target_modules: ['embed_tokens', 'lm_head'] }, false],
    ['dora', { target_modules: ['embed_tokens', 'lm_head'] }, false],
    ['lora', { target_modules: ['embed_tokens', 'v_proj'] }, true],
    ['lora', { target_modules: ['lm_head'] }, true],
    ['dora', { target_modules: ['embed_tokens', 'lm_head'] }, true],
    ['lora', { target_modules: ['lm_head'], modules_to_save: ['embed_tokens'] }, true],
  ] as const)('%s with %j is merged and taken out again, tied: %s', async (method, config, isTied) => {
    const work = workplace({ config: { tie_word_embeddings: isTied }, shards: 2 }, config, method);
    const report = await merge({ ...work, dtype: 'keep' });
    expect(report.maxAbsLogitDifference).toBeLessThan(SMALL.F32);
    const merged = openCheckpoint(work.out);
    expect(readJson(work.out, 'config.json').tie_word_embeddings).toBe(false);
    expect(merged.readF32('lm_head.weight')).not.toEqual(merged.readF32('model.embed_tokens.weight'));
    merged.close();
    const restored = path.join(temporaryFolder(), 'restored');
    const back = await unmerge({ merged: work.out, adapter: work.adapter, out: restored });
    expect(back.maxAbsWeightDifference).toBeLessThan(1e-5);
    expect(readJson(restored, 'config.json').tie_word_embeddings).toBe(isTied);
    const [before, after] = [openCheckpoint(work.base), openCheckpoint(restored)];
    expect([...after.tensors.keys()]).toEqual([...before.tensors.keys()]);
    before.close();
    after.close();
  });

  it('is refused by methods without a form for embeddings, with the reason', () => {
    expect(() => workplace({}, { target_modules: ['embed_tokens'] }, 'mora')).toThrow(
      /MoRA cannot adapt model\.embed_tokens; it has no form for embeddings; choose linear layers, or the method lora/,
    );
    expect(() => workplace({}, { target_modules: ['embed_tokens'], init_lora_weights: 'pissa' })).toThrow(
      /PiSSA takes its start out of linear layers/,
    );
  });
});

describe('a bias that an adapter trains beside its second factor', () => {
  it.each([{}, { bias: 'all' }])('is merged into that of the layer and taken out again, with %j', async (config) => {
    const targets = { target_modules: ['q_proj', 'v_proj'], lora_bias: true, ...config };
    const work = workplace({ config: { attention_bias: true } }, targets);
    const report = await merge({ ...work, dtype: 'keep' });
    expect(report.maxAbsLogitDifference).toBeLessThan(SMALL.F32);
    const [before, after] = [openCheckpoint(work.base), openCheckpoint(work.out)];
    const name = 'model.layers.0.self_attn.v_proj.bias';
    expect(after.readF32(name)).not.toEqual(before.readF32(name));
    before.close();
    after.close();
    const out = path.join(temporaryFolder(), 'restored');
    const restored = await unmerge({ merged: work.out, adapter: work.adapter, out });
    expect(restored.maxAbsWeightDifference).toBeLessThan(1e-6);
  });

  it('is refused where the layer has none', () => {
    expect(() => workplace({}, { lora_bias: true })).toThrow(/lora_bias needs a layer with a bias to be merged into/);
  });
});

describe('a merge that does not happen', () => {
  const fails = async (work: Workplace, message: RegExp): Promise<void> => {
    await expect(merge({ ...work, dtype: 'keep' })).rejects.toThrow(message);
  };

  it('refuses a folder that holds something', async () => {
    const work = workplace({});
    mkdirSync(work.out, { recursive: true });
    writeFileSync(path.join(work.out, 'mine.txt'), 'precious');
    await fails(work, /there is something already/);
    expect(readdirSync(work.out)).toEqual(['mine.txt']);
  });

  it('refuses to write into the base or the adapter', async () => {
    const work = workplace({});
    await fails({ ...work, out: path.join(work.base, 'merged') }, /lies inside/);
    await fails({ ...work, out: work.adapter }, /lies inside/);
  });

  it.each([0.05, 0.5, 0.75])('cancelled at %f of the way leaves nothing behind', async (fraction) => {
    const work = workplace({ shards: 2 });
    const controller = new AbortController();
    const started: Promise<MergeReport> = merge({
      ...work,
      dtype: 'keep',
      signal: controller.signal,
      onProgress: (progress) => {
        if ((progress.fraction ?? 0) >= fraction) controller.abort();
      },
    });
    await expect(started).rejects.toSatisfy((error) => KernelError.is(error, 'cancelled'));
    expect(readdirSync(path.join(work.out, '..', '..'))).toEqual([]);
  });

  it('reports progress that never goes back and ends at 1', async () => {
    const fractions: number[] = [];
    const work = workplace({});
    await merge({ ...work, dtype: 'keep', onProgress: ({ fraction }) => fractions.push(fraction ?? NaN) });
    expect(fractions).toEqual([...fractions].sort((a, b) => a - b));
    expect(fractions.at(-1)).toBeCloseTo(1);
  });
});

const readJson = (dir: string, file: string): Readonly<Record<string, unknown>> =>
  JSON.parse(readFileSync(path.join(dir, file), 'utf8')) as Readonly<Record<string, unknown>>;
