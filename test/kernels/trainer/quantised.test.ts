/** @file Every method on a quantised base trains, restarts and merges as on the same model with these values in float32. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { planAdapter } from '../../../kernels/adapters/plan';
import { adapterMethods } from '../../../kernels/adapters/registry';
import { graphMemory } from '../../../kernels/estimate/graphMemory';
import { openCheckpoint } from '../../../kernels/formats/checkpoint';
import { merge } from '../../../kernels/merge/merge';
import { unmerge } from '../../../kernels/merge/unmerge';
import { writeCheckpoint } from '../../../kernels/merge/writeCheckpoint';
import { openBaseModel } from '../../../kernels/models/baseModel';
import type { MetricRecord } from '../../../kernels/protocol/types';
import { RunFolder } from '../../../kernels/runs/runFolder';
import { readConfig } from '../../../kernels/check/checkConfig';
import { prepareRun } from '../../../kernels/trainer/prepare';
import { buildGraph } from '../../../kernels/trainer/stepGraph';
import { train } from '../../../kernels/trainer/trainer';
import type { Fields } from '../../../kernels/util/fields';
import { withDefaults } from '../../../kernels/util/fields';
import { ModelRunner } from '../../../kernels/trainer/runner';
import { generate } from '../../../kernels/trainer/generate';
import { quantiseCheckpoint } from '../../support/quantise';
import { mergedOnLayers, trainedAdapter } from '../../support/trainedAdapter';
import { readRecords, trainingFixture } from '../../support/trainingFixture';
import { temporaryFolder } from '../../support/tinyModel';

const fixture = trainingFixture();
process.env['ADAPTER_STUDIO_CACHE'] = path.join(fixture.folder, 'cache');
quantiseCheckpoint(fixture.model, { form: 'nf4', blockSize: 32, nested: 4 });
const twin = path.join(fixture.folder, 'twin');
const model = openBaseModel(fixture.model);
afterAll(() => model.checkpoint.close());

/** The same model with its values in float32. */
const unchanged = { edits: new Map(), added: [], dropped: [], dtype: 'f32', config: {} } as const;
await writeCheckpoint(model.checkpoint, twin, unchanged, { inspect: () => Promise.resolve() });

/** Losses of a run, in training and in evaluation. */
async function losses(name: string, base: string, changes: Parameters<typeof fixture.config>[1]): Promise<number[]> {
  const file = fixture.config(name, { ...changes, model: base });
  const prepared = await prepareRun(file, readConfig(file));
  try {
    const run = RunFolder.create(path.join(fixture.folder, name), prepared.info);
    expect((await train(run, prepared, { isResumed: false, signal: new AbortController().signal })).status).toBe(
      'finished',
    );
  } finally {
    prepared.close();
  }
  const records = readRecords<MetricRecord>(path.join(fixture.folder, name, 'metrics.jsonl'));
  return records.map(({ loss }) => loss);
}

/** The same but for the order of sums, after steps that carry every difference on. */
function expectClose(a: readonly number[], b: readonly number[]): void {
  expect(a.length).toBe(b.length);
  expect(a.length).toBeGreaterThan(5);
  a.forEach((v, i) => expect(Math.abs(v - b[i]!)).toBeLessThan(2e-4));
}

const training = { max_steps: 5, eval_steps: 5, save_steps: 5, warmup_steps: 0 };

/** Of the keys that the fixture sets, those that the method has. */
function adapterOf(id: string): Record<string, unknown> {
  const fields = adapterMethods.find((m) => m.id === id)!.config as Fields;
  const keys = { r: 2, lora_alpha: 6, lora_dropout: 0.1 };
  const own = Object.entries(keys).map(([key, value]) => [key, key in fields ? value : undefined]);
  return { method: id, ...Object.fromEntries(own) } as Record<string, unknown>;
}

describe.each(mergedOnLayers.map((m) => m.id))('%s on a quantised base', (method) => {
  test('has the losses of the same values in float32', async () => {
    const changes = { adapter: adapterOf(method), training };
    expectClose(await losses(`${method}-q`, fixture.model, changes), await losses(`${method}-f`, twin, changes));
  });

  test.each([
    ['nf4 in F16', { form: 'nf4', nested: 8 }, 'F16', 'f16', 5e-3],
    ['fp4', { form: 'fp4', blockSize: 32 }, 'F32', 'f32', 1e-5],
    ['int8 in BF16', { form: 'int8' }, 'BF16', 'bf16', 5e-2],
  ] as const)(
    'is merged into the type the weights had, and taken out again: %s',
    async (_, quantised, dtype, merged, near) => {
      const config = { torch_dtype: { F16: 'float16', F32: 'float32', BF16: 'bfloat16' }[dtype] };
      const work = trainedAdapter({ model: { quantised: quantised, dtype, config }, method });
      const out = path.join(temporaryFolder(), 'merged');
      const report = await merge({ ...work, out, dtype: 'keep' });
      expect(report.maxAbsLogitDifference).toBeLessThan(near);
      expect(report.dtype).toBe(merged);
      const checkpoint = openCheckpoint(out);
      const base = openBaseModel(work.base);
      expect([...checkpoint.tensors.keys()].sort()).toEqual([...base.tensors.keys()].sort());
      expect(new Set([...checkpoint.tensors.values()].map((t) => t.dtype))).toEqual(new Set([dtype]));
      expect(checkpoint.config).toEqual({ ...base.checkpoint.config, quantization_config: undefined });
      expect(readFileSync(path.join(out, 'config.json'), 'utf8')).not.toContain('quantization_config');
      checkpoint.close();
      base.checkpoint.close();
      const back = await unmerge({ merged: out, adapter: work.adapter, out: path.join(out, '..', 'back') });
      expect(back.comparedWith).toBe(work.base);
      expect(back.maxAbsWeightDifference).toBeLessThan(near);
    },
  );
});

describe('a run with restarts', () => {
  test.each(['lora', 'dora', 'mora'])('of %s keeps the merged weights in float32', async (method) => {
    const adapter = { ...adapterOf(method), target_modules: ['q_proj', 'down_proj'] };
    if (method === 'mora') Object.assign(adapter, { mora_type: 1 });
    const changes = { adapter, training: { ...training, max_steps: 6 }, relora: { every: 2 } };
    const name = `restarts-${method}`;
    expectClose(await losses(`${name}-q`, fixture.model, changes), await losses(`${name}-f`, twin, changes));
    const out = path.join(fixture.folder, `${name}-merged`);
    const adapterDir = path.join(fixture.folder, `${name}-q`, 'adapter');
    const report = await merge({ base: fixture.model, adapter: adapterDir, out, dtype: 'keep' });
    expect(report.maxAbsLogitDifference).toBeLessThan(1e-4);
  });
});

describe('what would train quantised weights themselves is refused', () => {
  const plan = (id: string, config: object): unknown => {
    const method = adapterMethods.find((m) => m.id === id)!;
    return planAdapter(method, withDefaults(method.config as Fields, { ...config }), model);
  };

  test.each(['full', 'last_layers'])('%s, with the way out', (id) => {
    expect(() => plan(id, {})).toThrow(
      /method: .* would train weights that the base model has quantised \(.*and \d+ more\); expected a method that puts adapters/,
    );
  });

  test('a quantised module in modules_to_save', () => {
    const config = { target_modules: ['q_proj'], modules_to_save: ['v_proj'] };
    expect(() => plan('lora', config)).toThrow(/modules_to_save: .*v_proj.*; expected modules that are not quantised/);
  });

  test('but not what is stored in a floating type', () => {
    expect(() => plan('lora', { target_modules: ['q_proj'], modules_to_save: ['lm_head'] })).not.toThrow();
  });
});

test('text is written as the same values in float32 write it', async () => {
  const write = async (dir: string): Promise<readonly number[]> => {
    const opened = openBaseModel(dir);
    const runner = new ModelRunner(opened, null, null, { device: 'cpu', threads: 1 });
    const ids = await generate(runner, [3, 9, 1], { maxNewTokens: 12, stopIds: new Set() });
    await runner.dispose();
    opened.checkpoint.close();
    return ids;
  };
  expect(await write(fixture.model)).toEqual(await write(twin));
});

test('the estimate counts weights as they are stored', () => {
  const shape = { batch: 1, length: 8, rows: 8 };
  const bytesOf = (dir: string): number => {
    const opened = openBaseModel(dir);
    const { weightBytes } = graphMemory(buildGraph({ kind: 'loss', shape, model: opened, plan: null }), 'cpu');
    opened.checkpoint.close();
    return weightBytes;
  };
  const of = (test: (name: string) => boolean): number =>
    [...model.checkpoint.tensors.values()].filter(({ name }) => test(name)).reduce((n, t) => n + t.byteLength, 0);
  // All but the embedding, of which rows are read, the description of each weight, and tables that few bytes are read of.
  const read = of((name) => !/embed_tokens|quant_state|quant_map/.test(name));
  expect(bytesOf(fixture.model)).toBe(read);
  const quantisedBytes = of((name) => /_proj\.weight(\.(nested_)?absmax)?$/.test(name));
  const values = [...model.quantized].reduce((n, name) => n + model.tensors.get(name)!.reduce((a, b) => a * b, 1), 0);
  expect(bytesOf(twin)).toBe(read - quantisedBytes + 4 * values);
});
