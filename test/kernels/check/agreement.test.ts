/** @file One judgement: what `check` says of a configuration is what `estimate` and `train` say of it, in the same words. */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { readConfig } from '../../../kernels/check/checkConfig';
import { checkPath } from '../../../kernels/check/checkPath';
import { estimateRun } from '../../../kernels/estimate/estimateRun';
import { formatProblem, KernelError, type Problem } from '../../../kernels/protocol/errors';
import { withPlaces } from '../../../kernels/server/cli/placedProblems';
import { prepareRun } from '../../../kernels/trainer/prepare';
import { trainingFixture } from '../../support/trainingFixture';
import type { ConfigChanges } from '../../support/tinyTraining';

const fixture = trainingFixture();
const encoder = path.join(fixture.folder, 'encoder');

beforeAll(() => {
  process.env.ADAPTER_STUDIO_CACHE = path.join(fixture.folder, 'cache');
  const wordPiece = path.resolve('test/fixtures/wordPiece');
  cpSync(path.resolve('test/golden/bases/roberta'), encoder, { recursive: true });
  for (const name of ['tokenizer.json', 'tokenizer_config.json'])
    cpSync(path.join(wordPiece, name), path.join(encoder, name));
});

const dataFile = (name: string, content: string): string => {
  const file = path.join(fixture.folder, name);
  writeFileSync(file, content);
  return file;
};
const rows = (name: string, ...values: readonly unknown[]): string =>
  dataFile(name, values.map((value) => JSON.stringify(value)).join('\n'));

/** The lines of a refusal; none where nothing is refused. */
async function refusalOf(work: () => Promise<unknown>): Promise<readonly string[]> {
  try {
    await work();
    return [];
  } catch (error) {
    if (!KernelError.is(error)) throw error;
    return error.message.split('\n');
  }
}

async function checked(file: string): Promise<readonly Problem[]> {
  const problems = new Map<string, Problem>();
  const report = (problem: Problem): void => void problems.set(formatProblem(problem), problem);
  await checkPath(file, { signal: new AbortController().signal, report, progress: () => undefined });
  return [...problems.values()];
}

const prepare = (file: string) =>
  withPlaces(file, [], async () => (await prepareRun(file, readConfig(file), { isForInfo: true })).close());
const estimate = (file: string) => withPlaces(file, [], () => estimateRun(file, readConfig(file)));

interface Case {
  readonly name: string;
  readonly changes: () => ConfigChanges;
  /** Each is in a line of all three. */
  readonly says: readonly RegExp[];
}

const pair = { prompt: 'a', completion: 'b' };
const trainOn = (...files: readonly string[]): ConfigChanges => ({ data: { train: files } });
const labelled = (...labels: readonly unknown[]): ConfigChanges => ({
  model: encoder,
  data: { train: [rows('labels.jsonl', ...labels.map((label) => ({ text: 'a', label })))], eval: undefined },
  training: { eval_steps: undefined, early_stopping_patience: undefined },
});

const cases: readonly Case[] = [
  {
    name: 'a list in a file of lines',
    changes: () => trainOn(dataFile('list.jsonl', JSON.stringify([pair]))),
    says: [/list\.jsonl:1: found a list of rows/],
  },
  {
    name: 'rows of two formats',
    changes: () => trainOn(rows('mixed.jsonl', pair, { text: 'a' })),
    says: [/mixed\.jsonl:2: found a sample of format text among samples of format prompt-completion/],
  },
  {
    name: 'a row that lacks a key',
    changes: () => trainOn(rows('lacks.jsonl', pair, { prompt: 'a' }, pair)),
    says: [/lacks\.jsonl:2: completion: found nothing; expected text, as the prompt/],
  },
  {
    name: 'files of two formats',
    changes: () => trainOn(rows('one.jsonl', pair), rows('other.jsonl', { text: 'a' })),
    says: [/other\.jsonl:1: found a sample of format text among samples of format prompt-completion/],
  },
  {
    name: 'the same mistake in many rows',
    changes: () => trainOn(rows('many.jsonl', pair, ...Array.from({ length: 60 }, () => ({ prompt: 'a' })))),
    says: [/many\.jsonl:2: completion: found nothing/, /the same on 56 more lines/],
  },
  {
    name: 'an empty file beside another',
    changes: () => trainOn(rows('full.jsonl', pair), dataFile('empty.jsonl', '\n')),
    says: [/empty\.jsonl: found no samples/],
  },
  {
    name: 'one sample and a part of it to evaluate on',
    changes: () => ({ data: { train: [rows('single.jsonl', pair)], eval: undefined, eval_fraction: 0.5 } }),
    says: [/data\.eval_fraction: needs 2 samples/],
  },
  {
    name: 'labels that the head does not have',
    changes: () => labelled('neg', 'pos', 'neg'),
    says: [/labels\.jsonl:1: label: found "neg"; expected one of the 3 labels of the head: L0, L1, L2/],
  },
  {
    name: 'numbers for a head with classes',
    changes: () => labelled(0.5, 1.5, 2),
    says: [/one number asked for; expected 3 classes, as its head has/],
  },
  {
    name: 'restarts after the end',
    changes: () => ({ training: { num_train_epochs: 1, max_steps: undefined }, relora: { every: 3000 } }),
    says: [/:\d+: relora\.every: is 3000, and the run has \d+ steps/],
  },
  {
    name: 'cycles of one step',
    changes: () => ({
      training: { max_steps: 8, lr_scheduler_type: 'cosine_restarts', warmup_steps: 1 },
      relora: { every: 2, restart_warmup_steps: 1 },
    }),
    says: [/:\d+: relora\.every: is 2, and with the warm-up only one step of a cycle has a learning rate/],
  },
  {
    name: 'more threads than processors',
    changes: () => ({ runtime: { threads: availableParallelism() + 1 } }),
    says: [/:\d+: runtime\.threads: is \d+; expected at most/],
  },
  {
    name: 'a device that is not there',
    changes: () => ({ runtime: { device: 'coreml' } }),
    says: [/:\d+: runtime\.device: coreml does not work here/],
  },
  {
    name: 'a module that cannot be saved',
    changes: () => ({ adapter: { modules_to_save: ['score'] } }),
    says: [/:\d+: adapter\.modules_to_save\.0: score matches no module; .*did you mean norm\?/],
  },
  {
    name: 'an unknown key beside a regular expression that is none',
    changes: () => ({ adapter: { rr: 3, target_modules: '([' } }),
    says: [/unknown key "rr"/, /:\d+: adapter\.target_modules: "\(\[" is not a regular expression/],
  },
  {
    name: 'a value out of range beside a name that matches nothing',
    changes: () => ({ adapter: { target_modules: ['q_prj'] }, training: { learning_rate: -1 } }),
    says: [/adapter\.target_modules\.0: .*did you mean q_proj\?/, /training\.learning_rate: found the number -1/],
  },
  {
    name: 'a misspelt exclusion beside one that is right',
    changes: () => ({ adapter: { exclude_modules: ['down_proj', 'o_prj'] } }),
    says: [/adapter\.exclude_modules\.1: o_prj matches no linear layer; .*did you mean o_proj\?/],
  },
  {
    name: 'an exclusion of what is not targeted',
    changes: () => ({ adapter: { target_modules: ['q_proj'], exclude_modules: ['k_proj'] } }),
    says: [/adapter\.exclude_modules: k_proj is not targeted.*; the targeted layers are q_proj/],
  },
  {
    name: 'an exclusion of everything',
    changes: () => ({ adapter: { target_modules: ['q_proj'], exclude_modules: ['q_proj'] } }),
    says: [/adapter\.exclude_modules: leaves out all 2 layers that are targeted/],
  },
  {
    name: 'a list of blocks that is not there',
    changes: () => ({ adapter: { layers_to_transform: [0], layers_pattern: 'foo' } }),
    says: [/adapter\.layers_pattern: foo is no list of blocks that is targeted; expected layers$/],
  },
  {
    name: 'items that stand there twice',
    changes: () => ({ adapter: { target_modules: ['q_proj', 'q_proj'], layers_to_transform: [0, 0, 1] } }),
    says: [/target_modules: q_proj stands there more than once/, /layers_to_transform: 0 stands there more than once/],
  },
  {
    name: 'a magnitude that decays where nothing does',
    changes: () => ({ adapter: { method: 'dora', decay_magnitude: true }, training: { weight_decay: 0 } }),
    says: [/adapter\.decay_magnitude: this key has no effect here; nothing decays/],
  },
  {
    name: 'an odd rank for an orthogonal start, from a pattern',
    changes: () => ({ adapter: { r: 4, init_lora_weights: 'orthogonal', rank_pattern: { q_proj: 7 } } }),
    says: [/adapter\.rank_pattern: LoRA cannot adapt .*q_proj with r: 7; .*choose an even r/],
  },
  {
    name: 'a rank above what the smallest layer has for PiSSA',
    changes: () => ({ adapter: { r: 100, init_lora_weights: 'pissa' } }),
    says: [/adapter\.r: .*choose r ≤ 12,/],
  },
  {
    name: 'a setting of ResLoRA that goes with another one',
    changes: () => ({ adapter: { method: 'reslora', variant: 'is', pre_num: 3 } }),
    says: [/adapter\.pre_num: is 3; the input shortcut always links one block/],
  },
  {
    name: 'an adapter to start from that is none',
    changes: () => ({ adapter: { init_from: fixture.model } }),
    says: [/init_from/],
  },
];

describe('check, estimate and train refuse in the same words', () => {
  test.each(cases)('$name', async ({ name, changes, says }) => {
    const file = fixture.config(name.replaceAll(' ', '-'), changes());
    const errors = (await checked(file)).filter(({ severity }) => severity === 'error').map(formatProblem);
    for (const expected of says) expect(errors).toContainEqual(expect.stringMatching(expected));
    expect(errors).toHaveLength(says.length + Number(name === 'the same mistake in many rows') * 3);
    expect([...(await refusalOf(() => prepare(file)))].sort()).toEqual([...errors].sort());
    expect([...(await refusalOf(() => estimate(file)))].sort()).toEqual([...errors].sort());
  });
});

test('the tokens of a file do not depend on what its bytes were read as before', async () => {
  const text = JSON.stringify([pair, pair]);
  const [list, lines] = [dataFile('twice.json', text), dataFile('twice.jsonl', text)];
  await prepare(fixture.config('as-list', trainOn(list)));
  expect(await refusalOf(() => prepare(fixture.config('as-lines', trainOn(lines))))).toHaveLength(1);
});

test('what is only odd about the model is said by all, with its file', async () => {
  const model = path.join(fixture.folder, 'odd');
  cpSync(fixture.model, model, { recursive: true });
  const config = path.join(model, 'config.json');
  writeFileSync(config, JSON.stringify({ ...(JSON.parse(readFileSync(config, 'utf8')) as object), use_quantum: true }));
  const file = fixture.config('odd', { model });
  const odd = (await checked(file)).map(formatProblem).filter((line) => line.includes('use_quantum'));
  expect(odd).toEqual([expect.stringContaining(`${config}: use_quantum: is true`)]);
  const run = await prepareRun(file, readConfig(file), { isForInfo: true });
  run.close();
  expect(run.warnings).toEqual(expect.arrayContaining(odd));
  expect((await estimateRun(file, readConfig(file))).warnings).toEqual(expect.arrayContaining(odd));
});
