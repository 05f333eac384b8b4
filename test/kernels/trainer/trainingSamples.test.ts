/** @file Samples while training: when they are made, that they are the model's own words, and that a resume makes none twice. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { loadAdapter } from '../../../kernels/adapters/adapterFile';
import { promptTokens } from '../../../kernels/data/promptTokens';
import { loadTokenizer } from '../../../kernels/formats/tokenizer';
import { openBaseModel } from '../../../kernels/models/baseModel';
import { KernelError } from '../../../kernels/protocol/errors';
import type { SampleRecord } from '../../../kernels/protocol/types';
import { RunFolder } from '../../../kernels/runs/runFolder';
import { generate } from '../../../kernels/trainer/generate';
import { readConfig } from '../../../kernels/check/checkConfig';
import { prepareRun } from '../../../kernels/trainer/prepare';
import { ModelRunner } from '../../../kernels/trainer/runner';
import type { TrainListener } from '../../../kernels/trainer/trainer';
import { train } from '../../../kernels/trainer/trainer';
import { useEngine } from '../../support/engine';
import { readRecords, trainingFixture } from '../../support/trainingFixture';

const engine = useEngine();
const fixture = trainingFixture();
process.env['ADAPTER_STUDIO_CACHE'] = path.join(fixture.folder, 'cache');
const PROMPTS = ['abc', 'one two', 'the end'];
const training = { max_steps: 6, eval_steps: 2, save_steps: 4 };
const file = fixture.config('samples', { training, samples: { prompts: PROMPTS, max_new_tokens: 5 } });
const at = (name: string): string => path.join(fixture.folder, name);
const samples = (name: string): SampleRecord[] => readRecords<SampleRecord>(path.join(at(name), 'samples.jsonl'));
const timeless = (name: string): object[] => samples(name).map((record) => ({ ...record, time: 0 }));

async function go(name: string, isResumed: boolean, when?: (stop: () => void) => TrainListener): Promise<string> {
  const prepared = await prepareRun(file, readConfig(file));
  const run = isResumed ? RunFolder.open(at(name)) : RunFolder.create(at(name), prepared.info);
  const stopping = new AbortController();
  const listener = when?.(() => stopping.abort());
  try {
    return (await train(run, prepared, { isResumed, signal: stopping.signal, ...(listener && { listener }) })).status;
  } finally {
    prepared.close();
  }
}

beforeAll(async () => {
  expect(await go('whole', false)).toBe('finished');
});

test('every prompt is continued before the first step, at every evaluation and at the end', () => {
  const all = samples('whole');
  expect(all.map(({ step, index }) => [step, index])).toEqual(
    [0, 2, 4, 6].flatMap((step) => PROMPTS.map((_, index) => [step, index])),
  );
  for (const { prompt, index, tokens, cut } of all) {
    expect(prompt).toBe(PROMPTS[index]);
    expect(tokens).toBeLessThanOrEqual(5);
    expect(cut).toBe(tokens === 5);
  }
});

test('the last ones are what the final adapter answers to the same user turn, greedily', async () => {
  const model = openBaseModel(fixture.model);
  const { plan, parameters } = loadAdapter(path.join(at('whole'), 'adapter'), model);
  const tokenizer = loadTokenizer(fixture.model);
  const runner = new ModelRunner(model, plan, parameters, { device: 'cpu', threads: 1 });
  try {
    for (const { prompt, text } of samples('whole').slice(-PROMPTS.length)) {
      const ids = promptTokens(prompt, tokenizer);
      expect(tokenizer.decode(ids)).toBe(`user: ${prompt}\nassistant: `);
      const made = await generate(runner, ids, { maxNewTokens: 5, stopIds: tokenizer.stopIds });
      expect(tokenizer.decode(made, { skipSpecialTokens: true })).toBe(text);
    }
  } finally {
    await runner.dispose();
    model.checkpoint.close();
  }
});

test('without evaluation data they are made all the same, and eval_steps says when', async () => {
  const config = readFileSync(fixture.config('noEval', { training, samples: { prompts: ['abc'] } }), 'utf8');
  const without = path.join(fixture.folder, 'noEval.adapter.yaml');
  writeFileSync(without, config.replace(/^ {2}eval: .*\n/m, ''));
  const { status } = await engine.run('train', without, '--run', at('noEval'));
  expect(status).toBe(0);
  expect(samples('noEval').map((s) => s.step)).toEqual([0, 2, 4, 6]);
});

describe('stopped and resumed', () => {
  test.each([1, 2, 4])('after step %i, each is there once and the same', async (stop) => {
    const name = `stopped-${stop}`;
    const status = await go(name, false, (ask) => ({ onTrain: ({ step }) => step === stop && ask() }));
    expect(status).toBe('stopped');
    expect(await go(name, true)).toBe('finished');
    expect(timeless(name)).toEqual(timeless('whole'));
  });

  test('while they are made: neither they nor the evaluation before them are recorded twice', async () => {
    const dir = at('between');
    const prepared = await prepareRun(file, readConfig(file));
    const run = RunFolder.create(dir, prepared.info);
    // Fires when the generation looks at it for the seventh time: in the middle of the samples of step 2.
    const stopping = new AbortController();
    let looks = 0;
    const signal = new Proxy(stopping.signal, {
      get: (target, key) => {
        const isGeneration = key === 'aborted' && (new Error().stack ?? '').includes('generateAll');
        if (isGeneration && ++looks === 7) stopping.abort();
        const value: unknown = Reflect.get(target, key);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
    const { status, step } = await train(run, prepared, { isResumed: false, signal });
    expect([step, looks]).toEqual([2, 7]);
    expect(samples('between').map((s) => s.step)).toEqual([0, 0, 0]);
    prepared.close();
    expect(status).toBe('stopped');
    expect(await go('between', true)).toBe('finished');
    expect(timeless('between')).toEqual(timeless('whole'));
  });
});

test('records past the checkpoint are removed by a resume', async () => {
  await go('past', false, (ask) => ({ onTrain: ({ step }) => step === 5 && ask() }));
  const records = path.join(at('past'), 'samples.jsonl');
  const extra = samples('past').map((record) => JSON.stringify({ ...record, step: record.step + 6 }));
  writeFileSync(records, `${readFileSync(records, 'utf8')}${extra.join('\n')}\n{"step":9,"ti`);
  expect(await go('past', true)).toBe('finished');
  expect(timeless('past')).toEqual(timeless('whole'));
});

describe('prompts that the model cannot continue', () => {
  const long = fixture.config('tooLong', { samples: { prompts: ['abc', 'x'.repeat(90)] } });
  const refusal =
    /samples\.prompts\.1: has 108 tokens; expected at most 95, so that the model, whose longest sequence is 96, can add to it/;

  test('are refused before a run, by their number', async () => {
    const error: unknown = await prepareRun(long, readConfig(long)).catch((e: unknown) => e);
    expect(KernelError.is(error, 'input/refused') && error.message).toMatch(refusal);
  });

  test('are found by check', async () => {
    const { status, stdout } = await engine.run('check', long);
    expect(stdout).toMatch(refusal);
    expect(status).toBe(2);
  });

  test('a length without prompts has no effect, and says so', async () => {
    const { status, stdout } = await engine.run('check', fixture.config('idle', { samples: { max_new_tokens: 9 } }));
    expect(stdout).toMatch(/samples\.max_new_tokens: this key has no effect here; there are no prompts to continue/);
    expect(status).toBe(2);
  });
});
