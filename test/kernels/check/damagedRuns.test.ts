/** @file Damaged run folders: each damage is found by `check`, in words, and a resume refuses it or sets it aside by name. */
import { plain } from './markedTexts';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { RunEvent } from '../../../kernels/protocol/types';
import { RunFolder } from '../../../kernels/runs/runFolder';
import { executeRun, prepareAgain } from '../../../kernels/server/executeRun';
import { missingRecords } from '../../../kernels/check/expectedRecords';
import { readConfig } from '../../../kernels/check/checkConfig';
import { prepareRun } from '../../../kernels/trainer/prepare';
import { readRecords, trainingFixture } from '../../support/trainingFixture';
import { changeJson, check, copyOf, refusalOf, rewrite } from './damage';

const fixture = trainingFixture();
const made = path.join(fixture.folder, 'made');
const STEPS = 6;

beforeAll(async () => {
  process.env.ADAPTER_STUDIO_CACHE = path.join(fixture.folder, 'cache');
  const file = fixture.config('made', {
    training: { max_steps: STEPS, eval_steps: 3, save_steps: 2 },
    samples: { prompts: ['ab'], max_new_tokens: 2 },
  });
  const prepare = () => prepareRun(file, readConfig(file));
  const prepared = await prepare();
  prepared.close();
  const run = RunFolder.create(made, prepared.info);
  const options = { isResumed: false, mode: 'beside', onRefused: 'fail', prepare } as const;
  await executeRun(run, { ...options, signal: new AbortController().signal });
});

/** Goes on with a copy of the run as if it had stopped after step 4. */
function stopped(): string {
  const dir = copyOf(made, fixture.folder);
  rmSync(path.join(dir, 'adapter'), { recursive: true });
  for (const name of readdirSync(path.join(dir, 'checkpoints'))) {
    if (Number(name.slice(5)) > 4) rmSync(path.join(dir, 'checkpoints', name), { recursive: true });
  }
  for (const name of ['metrics.jsonl', 'spectra.jsonl', 'samples.jsonl']) {
    const kept = readRecords<{ step: number }>(path.join(dir, name)).filter(({ step }) => step <= 4);
    writeFileSync(path.join(dir, name), kept.map((record) => `${JSON.stringify(record)}\n`).join(''));
  }
  changeJson(path.join(dir, 'state.json'), { status: 'stopped', step: 4 });
  return dir;
}

const resume = (dir: string): Promise<unknown> => {
  const run = RunFolder.open(dir);
  return executeRun(run, {
    isResumed: true,
    mode: 'beside',
    signal: new AbortController().signal,
    prepare: (signal) => prepareAgain(run, { signal }),
    onRefused: 'restore',
  });
};

const file = (dir: string, ...parts: readonly string[]): string => path.join(dir, ...parts);
const checkpoint = (dir: string, name = ''): string => file(dir, 'checkpoints', 'step-000004', name);
const linesOf = (target: string): string[] => readFileSync(target, 'utf8').trimEnd().split('\n');
const writeLines = (target: string, lines: readonly string[]): void => writeFileSync(target, `${lines.join('\n')}\n`);

interface Damage {
  readonly name: string;
  make(dir: string): void;
  readonly says: RegExp;
}

/** Changes one line of a file of records; the line is counted from 1. */
const line = (records: string, at: number, content: (before: string) => string, says: RegExp): Damage => ({
  name: `${records} whose line ${at} is ${content('…').slice(0, 40)}`,
  make: (dir) =>
    writeLines(
      file(dir, records),
      linesOf(file(dir, records)).map((before, i) => (i === at - 1 ? content(before) : before)),
    ),
  says,
});

const member = (target: 'run.json' | 'state.json', key: string, value: unknown, says: RegExp): Damage => ({
  name: `${target} with ${key}: ${String(JSON.stringify(value))}`,
  make: (dir) => changeJson(file(dir, target), { [key]: value }),
  says,
});

const textOf = (
  target: 'run.json' | 'state.json',
  name: string,
  content: string | Uint8Array,
  says: RegExp,
): Damage => ({
  name: `${target} ${name}`,
  make: (dir) => writeFileSync(file(dir, target), content),
  says,
});

const configured = (section: string, changes: object, says: RegExp): Damage => ({
  name: `run.json whose configuration has ${section}: ${JSON.stringify(changes)}`,
  make: (dir) => {
    const info = JSON.parse(readFileSync(file(dir, 'run.json'), 'utf8')) as { config: Record<string, object> };
    const config = { ...info.config, [section]: { ...info.config[section], ...changes } };
    writeFileSync(file(dir, 'run.json'), JSON.stringify({ ...info, config }));
  },
  says,
});

test('a whole run has no problems, finished, stopped or given by one of its files', async () => {
  for (const target of [made, file(made, 'run.json'), file(made, 'metrics.jsonl'), stopped()]) {
    expect(await check(target), target).toEqual({ errors: [], warnings: [] });
  }
  for (const target of ['', 'trainer_state.json', 'optimizer.safetensors']) {
    expect(await check(checkpoint(made, target)), target).toEqual({ errors: [], warnings: [] });
  }
});

describe('refused by a resume as by check', () => {
  const refused: readonly Damage[] = [
    textOf('run.json', 'that is empty', '', /run\.json: the file is empty; expected JSON in UTF-8/),
    textOf('run.json', 'that is cut off', '{"version": 1,\n"name"', /run\.json:2: .*expected/),
    textOf('run.json', 'that is a list', '[]', /run\.json: a list of 0; expected a JSON object/),
    textOf('run.json', 'that is not UTF-8', Buffer.from([0x7b, 0xff]), /run\.json: this is not UTF-8/),
    textOf('state.json', 'that is cut off', '{"status"', /state\.json:1: .*expected/),
    textOf(
      'state.json',
      'of another program',
      '{}',
      /state\.json: status: is missing; expected one of queued, starting/,
    ),
    member('run.json', 'version', 2, /run\.json: version: is the number 2; expected 1/),
    member('run.json', 'total_steps', -1, /total_steps: is the number -1; expected a whole number of at least 0/),
    member(
      'run.json',
      'device',
      { provider: 'cpu' },
      /device: is an object with 1 members; expected an object of provider/,
    ),
    member('run.json', 'digests', { base: 1 }, /digests: is an object with 1 members; expected a text for each member/),
    member('run.json', 'config', undefined, /config: is missing; expected an object/),
    member('state.json', 'step', 1.5, /step: is the number 1\.5; expected a whole number/),
    member(
      'state.json',
      'best',
      { step: 1, loss: null },
      /best: is an object with 2 members; expected an object of step, loss/,
    ),
    member('state.json', 'status', 'paused', /status: is the string "paused"; expected one of/),
    configured(
      'training',
      { learning_rate: 'fast' },
      /run\.json: config\.training\.learning_rate: found the text "fast"; expected/,
    ),
    configured(
      'training',
      { unknown_key: 1 },
      /config\.training: unknown key unknown_key|config\.training\.unknown_key: /,
    ),
    configured('adapter', { method: 'nothing' }, /config\.adapter\.method: found the text "nothing"/),
    {
      name: 'a base model that is another one',
      make: (dir) => changeJson(file(dir, 'run.json'), { digests: { base: 'sha256:0' } }),
      says: /the base model.* changed since the run was started/,
    },
    {
      name: 'no checkpoint that is whole',
      make: (dir) => {
        for (const name of readdirSync(file(dir, 'checkpoints'))) {
          truncateSync(file(dir, 'checkpoints', name, 'adapter_model.safetensors'), 30);
        }
      },
      says: /step-000004.adapter_model\.safetensors: .*is the file cut off/,
    },
  ];

  test.each(refused)('$name', async ({ make, says }) => {
    const dir = stopped();
    make(dir);
    const { errors } = await check(dir);
    expect(errors).toContainEqual(expect.stringMatching(says));
    const refusal = await refusalOf(() => resume(dir));
    expect(refusal.join('\n')).toMatch(says);
    expect(refusal.join('\n')).not.toMatch(/SyntaxError|JSON at position|Unexpected token/);
  });
});

describe('set aside by a resume, by name, and found by check', () => {
  const replaced = (key: string, value: string) => (before: string) =>
    before.replace(new RegExp(`"${key}":[^,}]+`), `"${key}":${value}`);
  const records: readonly Damage[] = [
    line('metrics.jsonl', 2, () => '{"kind":"train",', /metrics\.jsonl:2: not valid JSON: the text ends; expected/),
    line('metrics.jsonl', 2, () => '[]', /metrics\.jsonl:2: not valid JSON: a list of 0; expected a JSON object/),
    line('metrics.jsonl', 2, () => '{"step":1}', /metrics\.jsonl:2: kind: is missing; expected one of train, eval/),
    line('metrics.jsonl', 2, replaced('loss', 'NaN'), /metrics\.jsonl:2: not valid JSON: .*; expected/),
    line('metrics.jsonl', 2, replaced('loss', 'null'), /metrics\.jsonl:2: loss: is null; expected a finite number/),
    line(
      'metrics.jsonl',
      2,
      replaced('grad_norm', '1e999'),
      /grad_norm: is the number 1e999; expected a finite number/,
    ),
    line(
      'metrics.jsonl',
      3,
      replaced('step', '1'),
      /metrics\.jsonl:3: step: step 1 for the second time; expected a step/,
    ),
    line(
      'metrics.jsonl',
      4,
      replaced('step', '0'),
      /metrics\.jsonl:4: step: step 0; expected a step after 2, which line 3/,
    ),
    line('spectra.jsonl', 5, replaced('stable_rank', '"x"'), /spectra\.jsonl:5: stable_rank: is the string "x"/),
    line('spectra.jsonl', 5, (before) => before.replace(/\[[^\]]*\]/, '[null]'), /spectra\.jsonl:5: singular_values: /),
    line('samples.jsonl', 1, replaced('cut', '1'), /samples\.jsonl:1: cut: is the number 1; expected true or false/),
    line(
      'events.jsonl',
      1,
      replaced('event', '"gone"'),
      /events\.jsonl:1: event: is the string "gone"; expected one of/,
    ),
    line('events.jsonl', 2, () => 'garbage', /events\.jsonl:2: not valid JSON/),
  ];

  test.each(records)('$name', async ({ make, says }) => {
    const dir = stopped();
    make(dir);
    const before = (await check(dir)).errors;
    expect(before).toContainEqual(expect.stringMatching(says));
    await resume(dir);
    const events = readRecords<RunEvent>(file(dir, 'events.jsonl'));
    const warnings = events.filter(({ event }) => event === 'warning').map(({ reason }) => plain(reason ?? ''));
    expect(warnings).toContainEqual(expect.stringMatching(says));
    expect(warnings.join('\n')).toMatch(/jsonl cannot be used and left the file, which is kept as \w+\.jsonl\.damaged/);
    expect((await check(dir)).errors).toEqual([]);
    expect(readdirSync(dir).filter((name) => name.includes('.damaged'))).toHaveLength(1);
  });

  const checkpoints: readonly Damage[] = [
    {
      name: 'a checkpoint without the moments of the optimiser',
      make: (dir) => rmSync(checkpoint(dir, 'optimizer.safetensors')),
      says: /step-000004.optimizer\.safetensors: there is no such file/,
    },
    {
      name: 'a checkpoint whose moments lack a tensor',
      make: (dir) => {
        let n = 0;
        rewrite(checkpoint(dir, 'optimizer.safetensors'), () => (n++ === 0 ? null : undefined));
      },
      says: /step-000004.optimizer\.safetensors: .*exp_avg/,
    },
    {
      name: 'a checkpoint with a moment that is not finite',
      make: (dir) => rewrite(checkpoint(dir, 'optimizer.safetensors'), (_, values) => values.fill(NaN)),
      says: /step-000004.optimizer\.safetensors: .*NaN/,
    },
    {
      name: 'a checkpoint with a weight that is not finite',
      make: (dir) => rewrite(checkpoint(dir, 'adapter_model.safetensors'), (_, values) => values.fill(Infinity)),
      says: /step-000004.adapter_model\.safetensors: .*infinite values/,
    },
    {
      name: 'a checkpoint without its configuration',
      make: (dir) => rmSync(checkpoint(dir, 'adapter_config.json')),
      says: /step-000004.adapter_config\.json: there is no such file/,
    },
    {
      name: 'a checkpoint without the counters of the trainer',
      make: (dir) => rmSync(checkpoint(dir, 'trainer_state.json')),
      says: /step-000004.trainer_state\.json: there is no such file/,
    },
    {
      name: 'a checkpoint with counters of another step',
      make: (dir) => changeJson(checkpoint(dir, 'trainer_state.json'), { step: 2 }),
      says: /trainer_state\.json: step: is 2; expected 4, the step in the name of the folder/,
    },
    {
      name: 'a checkpoint whose best loss is infinite',
      make: (dir) => {
        const target = checkpoint(dir, 'trainer_state.json');
        writeFileSync(target, readFileSync(target, 'utf8').replace(/"loss": [\d.]+/, '"loss": 1e999'));
      },
      says: /trainer_state\.json: best: is an object with 2 members; expected null or an object of step and loss/,
    },
    {
      name: 'a checkpoint that is a file',
      make: (dir) => {
        rmSync(checkpoint(dir), { recursive: true });
        writeFileSync(checkpoint(dir), '');
      },
      says: /step-000004/,
    },
  ];

  test.each(checkpoints)('$name', async ({ make, says }) => {
    const dir = stopped();
    make(dir);
    expect((await check(dir)).errors).toContainEqual(expect.stringMatching(says));
    await resume(dir);
    expect(existsSync(file(dir, 'checkpoints', 'step-000004.damaged'))).toBe(true);
    const { errors, warnings } = await check(dir);
    expect(errors).toEqual([]);
    expect(warnings).toEqual([
      expect.stringMatching(
        /step-000004\.damaged: a damaged checkpoint that a resume set aside; it is not read any more/,
      ),
    ]);
  });
});

describe('odd, but no fault', () => {
  const odd: readonly Damage[] = [
    {
      name: 'half a line at the end',
      make: (dir) => appendFileSync(file(dir, 'metrics.jsonl'), '{"kind":"tr'),
      says: /metrics\.jsonl:\d+: half a line at the end of the file; .*a resume removes it/,
    },
    {
      name: 'a checkpoint that was being written',
      make: (dir) => mkdirSync(file(dir, 'checkpoints', '.step-000005.1-ab.tmp')),
      says: /\.tmp: a checkpoint that was not written to its end; a resume removes it/,
    },
    {
      name: 'a folder of somebody else among the checkpoints',
      make: (dir) => mkdirSync(file(dir, 'checkpoints', 'mine')),
      says: /mine: this is no checkpoint; expected folders named step-/,
    },
    {
      name: 'a record that is missing',
      make: (dir) => {
        const target = file(dir, 'metrics.jsonl');
        writeLines(
          target,
          linesOf(target).filter((text) => !text.includes('"kind":"train","step":2,')),
        );
      },
      says: /metrics\.jsonl:3: step: step 3 follows step 1; the records of the steps between are missing/,
    },
    {
      name: 'no metrics',
      make: (dir) => rmSync(file(dir, 'metrics.jsonl')),
      says: /metrics\.jsonl: holds no step; expected the records up to step 4, where the run is as state\.json says/,
    },
    member('state.json', 'status', 'failed', /^$/),
    {
      name: 'a run whose process is gone',
      make: (dir) => changeJson(file(dir, 'state.json'), { status: 'running', pid: 2 ** 22 + 1 }),
      says: /state\.json: status: is running; its process is gone; resume the run/,
    },
  ];

  test.each(odd)('$name', async ({ make, says }) => {
    const dir = stopped();
    make(dir);
    const { errors, warnings } = await check(dir);
    expect(errors).toEqual([]);
    if (says.source !== '^$') expect(warnings).toContainEqual(expect.stringMatching(says));
    await resume(dir);
    expect(RunFolder.open(dir).state.status).toBe('finished');
  });

  test('a base model that is not there: all that needs none is checked, and with --base the rest', async () => {
    const dir = stopped();
    renameSync(checkpoint(dir, 'optimizer.safetensors'), checkpoint(dir, 'moved.safetensors'));
    const info = JSON.parse(readFileSync(file(dir, 'run.json'), 'utf8')) as { config: object };
    changeJson(file(dir, 'run.json'), { config: { ...info.config, model: file(dir, 'gone') } });
    const { errors, warnings } = await check(dir);
    expect(errors).toEqual([expect.stringMatching(/optimizer\.safetensors: there is no such file/)]);
    expect(warnings).toEqual([expect.stringMatching(/run\.json: config\.model: is .*gone, which is not on disk/)]);
    expect((await check(dir, fixture.model)).warnings).toEqual([]);
  });

  test('a finished run without its adapter is an error', async () => {
    const dir = copyOf(made, fixture.folder);
    rmSync(file(dir, 'adapter'), { recursive: true });
    expect((await check(dir)).errors).toEqual([
      expect.stringMatching(/adapter: there is no such folder; expected the adapter of a run that has finished/),
    ]);
  });
});

describe('records that are missing are told from nothing to record', () => {
  const missing = (dir: string, config: object = {}, state: object = {}): string[] => {
    const run = RunFolder.open(dir);
    const info = { ...run.info, config: { ...run.info.config, ...config } };
    return missingRecords(dir, info, { ...run.state, ...state }).map(({ file, found, expected }) =>
      plain(`${path.basename(file)} ${found}; ${expected}`),
    );
  };
  const without = (name: string, lines: number): string => {
    const dir = copyOf(made, fixture.folder);
    const kept = readFileSync(path.join(dir, name), 'utf8').split('\n').slice(0, -1).slice(0, -lines);
    writeFileSync(path.join(dir, name), kept.map((line) => `${line}\n`).join(''));
    return dir;
  };

  test('a whole run lacks nothing', () => expect(missing(made)).toEqual([]));

  test.each(['activity.jsonl', 'samples.jsonl', 'events.jsonl', 'metrics.jsonl'])('a run without %s', (name) => {
    const dir = copyOf(made, fixture.folder);
    rmSync(path.join(dir, name));
    expect(missing(dir)).toEqual([expect.stringMatching(new RegExp(`^${name} holds (no|0) `))]);
  });

  test.each([
    ['activity.jsonl', 1, /^activity.jsonl ends with step \d+; expected records up to step 6/],
    ['spectra.jsonl', 100, /^spectra.jsonl /],
    ['events.jsonl', 1, /^events.jsonl holds no end of the run/],
  ])('a %s that ends %i lines too early', (name, lines, found) => {
    const problems = missing(without(name, lines));
    // Without any spectra nobody knows whether there were some.
    expect(problems).toEqual(name === 'spectra.jsonl' ? [] : [expect.stringMatching(found)]);
  });

  test('restarts that were due, also of a run that stopped', () => {
    const relora = { relora: { every: 2 } };
    expect(missing(made, relora)).toEqual([
      'restarts.jsonl holds 0 restarts; expected at least 2 by step 6, one after every 2 steps',
    ]);
    expect(missing(made, relora, { status: 'stopped', step: 4 })).toEqual([
      'restarts.jsonl holds 0 restarts; expected at least 1 by step 4, one after every 2 steps',
    ]);
    expect(missing(made, relora, { status: 'stopped', step: 2 })).toEqual([]);
  });

  test('check tells of them', async () => {
    const dir = copyOf(made, fixture.folder);
    rmSync(path.join(dir, 'activity.jsonl'));
    expect(await check(dir)).toEqual({ errors: [], warnings: [expect.stringContaining('activity.jsonl')] });
  });
});
