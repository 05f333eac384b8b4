/** @file A whole training of a tiny encoder on labelled texts: a new head, metrics, the adapter's files, evaluation, merge. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadAdapter } from '../../../kernels/adapters/adapterFile';
import { merge } from '../../../kernels/merge/merge';
import { openBaseModel } from '../../../kernels/models/baseModel';
import type { EvalRecord } from '../../../kernels/protocol/types';
import { RunFolder } from '../../../kernels/runs/runFolder';
import { evaluate } from '../../../kernels/trainer/evaluate';
import { readConfig } from '../../../kernels/check/checkConfig';
import { openEvaluation, prepareRun } from '../../../kernels/trainer/prepare';
import { ModelRunner } from '../../../kernels/trainer/runner';
import { train } from '../../../kernels/trainer/trainer';
import { createRandom } from '../../../kernels/util/random';
import { writeTinyEncoder } from '../../support/tinyEncoder';
import { temporaryFolder } from '../../support/tinyModel';

const WORDS = ['the', 'film', 'was', 'story', 'with', 'actors', 'scene', 'very', 'fine'];
const folder = temporaryFolder();
const file = path.join(folder, 'toy.adapter.yaml');
const base = path.join(folder, 'base');

beforeAll(() => {
  process.env['ADAPTER_STUDIO_CACHE'] = path.join(folder, 'cache');
  writeTinyEncoder(base);
});
afterAll(() => void delete process.env['ADAPTER_STUDIO_CACHE']);

/** Texts in which one word says which label they have. */
function write(name: string, count: number, label: (isGood: boolean, i: number) => string | number): void {
  const random = createRandom(name.length, count);
  const rows = Array.from({ length: count }, (_, i) => {
    const isGood = random.below(2) === 1;
    const words = Array.from({ length: 3 + random.below(3) }, () => WORDS[random.below(WORDS.length)]);
    words.splice(random.below(words.length), 0, isGood ? 'great' : 'awful');
    return JSON.stringify({ sentence: words.join(' '), label: label(isGood, i) });
  });
  writeFileSync(path.join(folder, name), `${rows.join('\n')}\n`);
}

function configure(data: string): void {
  writeFileSync(
    file,
    `version: 1
model: ./base
data: { ${data}, max_length: 32 }
adapter: { method: lora, r: 4, lora_alpha: 8, target_modules: [query, value] }
training: { learning_rate: 0.01, max_steps: 60, per_device_train_batch_size: 16, eval_steps: 60 }
runtime: { device: cpu, threads: 1 }
`,
  );
}

let runs = 0;

async function trained(): Promise<{ readonly adapter: string; readonly evaluations: readonly EvalRecord[] }> {
  const prepared = await prepareRun(file, readConfig(file));
  const run = RunFolder.create(path.join(folder, `run-${++runs}`), prepared.info);
  const evaluations: EvalRecord[] = [];
  try {
    await train(run, prepared, {
      signal: new AbortController().signal,
      isResumed: false,
      listener: { onEval: (record) => void evaluations.push(record) },
    });
  } finally {
    prepared.close();
  }
  return { adapter: run.file('adapter'), evaluations };
}

const refusal = async (): Promise<string> => {
  try {
    const prepared = await prepareRun(file, readConfig(file));
    prepared.close();
    return '';
  } catch (error) {
    return (error as Error).message;
  }
};

describe('an encoder without a head', () => {
  it('gets one for the labels of the data, learns them, and its merge has them', async () => {
    write('train.jsonl', 160, (isGood) => (isGood ? 'pos' : 'neg'));
    write('eval.jsonl', 48, (isGood) => (isGood ? 'pos' : 'neg'));
    configure('train: train.jsonl, eval: eval.jsonl');
    const { adapter, evaluations } = await trained();
    const [before, after] = [evaluations[0]?.metrics?.accuracy, evaluations.at(-1)?.metrics?.accuracy];
    expect(after).toBeGreaterThan(0.9);
    expect(after).toBeGreaterThan(before ?? 1);

    const written = JSON.parse(readFileSync(path.join(adapter, 'adapter_config.json'), 'utf8')) as object;
    expect(written).toMatchObject({
      task_type: 'SEQ_CLS',
      modules_to_save: ['classifier'],
      id2label: { 0: 'neg', 1: 'pos' },
    });
    const opened = await openEvaluation(file, readConfig(file), { adapter });
    const { plan, parameters } = loadAdapter(adapter, opened.model);
    const runner = new ModelRunner(opened.model, plan, parameters, { device: 'cpu', threads: 1 });
    const { loss, metrics } = await evaluate(runner, opened.set);
    expect(loss).toBeCloseTo(evaluations.at(-1)?.loss ?? NaN, 6);
    expect(metrics).toEqual(evaluations.at(-1)?.metrics);
    await runner.dispose();
    opened.close();

    const out = path.join(folder, 'merged');
    const report = await merge({ base, adapter, out, dtype: 'keep' });
    expect(report.maxAbsLogitDifference).toBeLessThan(1e-5 * Math.max(1, report.maxAbsLogit));
    const merged = openBaseModel(out);
    expect(merged.task).toEqual({ kind: 'classification', labels: ['neg', 'pos'] });
    expect(merged.fresh.size).toBe(0);
    expect(merged.checkpoint.config['architectures']).toEqual(['RobertaForSequenceClassification']);
    merged.checkpoint.close();
  });

  it('learns numbers where the labels are numbers', async () => {
    write('train.jsonl', 160, (isGood, i) => (isGood ? 1.5 : -1.5) + (i % 3) / 10);
    write('eval.jsonl', 48, (isGood) => (isGood ? 1.5 : -1.5));
    configure('train: train.jsonl, eval: eval.jsonl');
    const { evaluations } = await trained();
    expect(evaluations.at(-1)?.metrics?.pearson).toBeGreaterThan(0.9);
  });

  it('is refused with the line of a label that nobody trained on, of one of another kind, and a single class', async () => {
    write('train.jsonl', 20, (isGood) => (isGood ? 'pos' : 'neg'));
    write('eval.jsonl', 5, (_, i) => (i === 3 ? 'other' : 'pos'));
    configure('train: train.jsonl, eval: eval.jsonl');
    expect(await refusal()).toMatch(/eval\.jsonl:4: label: found "other"; expected one of the 2 labels.*neg, pos/);
    write('train.jsonl', 20, (_, i) => (i === 6 ? 7 : 'pos'));
    configure('train: train.jsonl, eval_fraction: 0.2');
    expect(await refusal()).toMatch(/train\.jsonl:7: label: found 7, a number after labels that are names/);
    write('train.jsonl', 20, () => 'pos');
    expect(await refusal()).toMatch(/all samples have the label "pos"/);
  });

  it('refuses what only language models do', async () => {
    write('train.jsonl', 20, (isGood) => (isGood ? 'pos' : 'neg'));
    configure('train: train.jsonl, eval_fraction: 0.2, loss_on: all');
    expect(await refusal()).toMatch(/loss_on.*no effect/);
    configure('train: train.jsonl, eval_fraction: 0.2');
    const samples = ['samples.prompts=[a]', 'samples.max_new_tokens=4'];
    expect(() => readConfig(file, samples)).toThrow(
      /samples\.prompts: this key has no effect here; roberta answers with the label.*\n.*samples\.max_new_tokens: /,
    );
    configure('train: train.jsonl, eval_fraction: 0.2, format: text');
    expect(await refusal()).toMatch(/data\.format: is text; expected classification, regression or auto/);
    configure('train: train.jsonl, eval_fraction: 0.2');
    await expect(openEvaluation(file, readConfig(file))).rejects.toThrow(/has no classifier/);
  });
});
