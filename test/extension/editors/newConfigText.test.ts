/** @file A new configuration fits its model and data: the engine prepares a run from it as it is. */
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configValues } from '../../../extension/editors/configText';
import { configText } from '../../../extension/editors/newConfigText';
import { checkConfig } from '../../../kernels/check/checkConfig';
import { adviseConfig } from '../../../kernels/language/advise';
import { KernelError } from '../../../kernels/protocol/errors';
import { readConfig } from '../../../kernels/check/checkConfig';
import { prepareRun } from '../../../kernels/trainer/prepare';
import type { EvalRecord } from '../../../kernels/protocol/types';
import { RunFolder } from '../../../kernels/runs/runFolder';
import { train } from '../../../kernels/trainer/trainer';
import { writeTinyEncoder } from '../../support/tinyEncoder';
import { trainingFixture } from '../../support/trainingFixture';
import { writeTinyModel } from '../../support/tinyModel';
import { TINY_VOCABULARY, tinyTokenizerFiles } from '../../support/tinyTokenizer';

const fixture = trainingFixture();
const signal = new AbortController().signal;
const cache = mkdtempSync(path.join(tmpdir(), 'new-config-cache-'));
const before = process.env['ADAPTER_STUDIO_CACHE'];
beforeAll(() => void (process.env['ADAPTER_STUDIO_CACHE'] = cache));
afterAll(() => {
  if (before === undefined) delete process.env['ADAPTER_STUDIO_CACHE'];
  else process.env['ADAPTER_STUDIO_CACHE'] = before;
  rmSync(cache, { recursive: true, force: true });
});

let made = 0;

/** Writes a new configuration for a model and data, and has the engine prepare it. */
async function prepared(model: string, data: string) {
  const advice = await adviseConfig(model, [data], signal);
  const file = path.join(fixture.folder, `new-${made++}.adapter.yaml`);
  const text = configText({ model, train: data, advice });
  writeFileSync(file, text);
  expect(checkConfig(file).problems).toEqual([]);
  const run = await prepareRun(file, readConfig(file));
  const { stepsPerEpoch, warnings, totalSteps } = run;
  run.close();
  return { advice, values: configValues(text), text, stepsPerEpoch, totalSteps, warnings };
}

function rows(name: string, lines: readonly object[]): string {
  const file = path.join(fixture.folder, name);
  writeFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  return file;
}

describe('a new configuration', () => {
  it('of the bundled sample trains as it is', async () => {
    const sample = path.join(fixture.folder, 'sample');
    cpSync('media/sample', sample, { recursive: true });
    const { advice, values, totalSteps } = await prepared(path.join(sample, 'base'), path.join(sample, 'train.jsonl'));
    expect(advice).toMatchObject({ format: 'messages', samples: 696, isComplete: true, warnings: [] });
    expect(advice.maxLength).toBeGreaterThanOrEqual(advice.longest);
    expect(values).toMatchObject({ data: { format: 'messages', eval_fraction: 0.1, max_length: advice.maxLength } });
    expect(totalSteps).toBeGreaterThan(100);
  });

  it('cuts samples at what a model of 128 positions reads, and says so', async () => {
    const config = { vocab_size: TINY_VOCABULARY, max_position_embeddings: 128, eos_token_id: 256 };
    const model = writeTinyModel({ config, files: tinyTokenizerFiles() });
    const data = rows('long.jsonl', [
      ...Array.from({ length: 12 }, (_, i) => ({ prompt: `p${i}`, completion: 'short' })),
      { prompt: 'p', completion: 'x'.repeat(300) },
    ]);
    const { advice, text, warnings } = await prepared(model, data);
    expect(advice).toMatchObject({ modelLength: 128, maxLength: 128, samples: 13 });
    expect(text).toMatch(/max_length: 128 # the longest sample has \d+ tokens and is cut: the model reads no more/);
    expect(warnings.join()).toContain('1 sample is longer than 128 tokens and was cut');
  });

  it('with a handful of samples evaluates on none and fits the batch', async () => {
    const { values, stepsPerEpoch } = await prepared(
      fixture.model,
      rows('few.jsonl', [{ text: 'a b' }, { text: 'c d' }]),
    );
    expect(values).toMatchObject({ data: { format: 'text' }, training: { per_device_train_batch_size: 2 } });
    expect(values?.['data']).not.toHaveProperty('eval_fraction');
    expect(values?.['training']).not.toHaveProperty('eval_steps');
    expect(stepsPerEpoch).toBe(1);
  });

  it('of an encoder and labels trains a new head as it is, without what only language models do', async () => {
    const model = writeTinyEncoder(path.join(fixture.folder, 'encoder'));
    const label = (i: number) => (i % 3 === 0 ? 'bad' : 'good');
    const data = rows(
      'labelled.jsonl',
      Array.from({ length: 24 }, (_, i) => ({ text: `film ${i}`, label: label(i) })),
    );
    const { advice, values, text } = await prepared(model, data);
    expect(advice).toMatchObject({ format: 'classification', samples: 24, labels: ['bad', 'good'], warnings: [] });
    expect(values).toMatchObject({ data: { format: 'classification', eval_fraction: 0.1 } });
    expect(text).toContain('format: classification # 2 labels: bad, good');
    expect(text).not.toMatch(/loss_on|samples/);
    const file = path.join(fixture.folder, 'two-steps.adapter.yaml');
    writeFileSync(file, text);
    const run = await prepareRun(file, readConfig(file, ['training.max_steps=2', 'runtime.device=cpu']));
    const folder = RunFolder.create(path.join(fixture.folder, 'encoder-run'), run.info);
    const evaluated: EvalRecord[] = [];
    const listener = { onEval: (record: EvalRecord) => void evaluated.push(record) };
    const outcome = await train(folder, run, { signal, isResumed: false, listener });
    run.close();
    expect(outcome).toEqual({ status: 'finished', step: 2 });
    expect(evaluated.at(-1)).toMatchObject({ step: 2, metrics: { accuracy: expect.any(Number) as number } });
  });

  it('of an encoder and numbers computes them', async () => {
    const model = path.join(fixture.folder, 'encoder');
    const data = rows(
      'numbers.jsonl',
      Array.from({ length: 12 }, (_, i) => ({ sentence: `film ${i}`, label: i / 4 })),
    );
    const { values, text } = await prepared(model, data);
    expect(values).toMatchObject({ data: { format: 'regression' } });
    expect(text).toContain('format: regression # a number for each text');
  });

  it('writes paths that need quotes', async () => {
    const { values } = await prepared(fixture.model, rows('my data: #1.jsonl', [{ text: 'a b' }, { text: 'c d' }]));
    expect((values?.['data'] as { train: string }).train).toMatch(/my data: #1\.jsonl$/);
  });
});

describe('no configuration is written for', () => {
  const refusal = async (data: string) => {
    const error: unknown = await adviseConfig(fixture.model, [data], signal).catch((e: unknown) => e);
    expect(KernelError.is(error)).toBe(true);
    return (error as KernelError).message;
  };

  it('data whose columns are none that can be read, with broken rows, or with nothing to learn', async () => {
    expect(await refusal(rows('columns.jsonl', [{ question: 'a', answer: 'b' }]))).toMatch(
      /found the keys "question", "answer"/,
    );
    const broken = rows('broken.jsonl', [{ prompt: 'a', completion: 'b' }, { prompt: 'a' }]);
    expect(await refusal(broken)).toMatch(/broken\.jsonl:2: /);
    expect(await refusal(rows('empty.jsonl', []))).toMatch(/found no samples/);
  });

  it('data of which a later row has another form', async () => {
    const mixed = rows('mixed.jsonl', [...Array.from({ length: 60 }, () => ({ text: 'a b' })), { messages: [] }]);
    expect(await refusal(mixed)).toMatch(/mixed\.jsonl:61: /);
  });
});
