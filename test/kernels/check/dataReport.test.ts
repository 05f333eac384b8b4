/** @file Problems of data files by line, as the editor shows them. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { dataReport } from '../../../kernels/check/dataReport';
import { KernelError } from '../../../kernels/protocol/errors';
import { readConfig } from '../../../kernels/check/checkConfig';
import { trainingFixture } from '../../support/trainingFixture';

const fixture = trainingFixture();
const signal = new AbortController().signal;
let files = 0;

/** The report on one training file with these lines. */
async function report(content: string | Buffer, data: object = {}, mostRows?: number) {
  const name = `data-${files++}.jsonl`;
  writeFileSync(path.join(fixture.folder, name), content);
  const file = fixture.config(`c-${files}`, { data: { train: name, eval: undefined, eval_fraction: 0.5, ...data } });
  const found = await dataReport(readConfig(file), { signal, ...(mostRows !== undefined && { mostRows }) });
  return { ...found, lines: found.problems.map((p) => `${p.line ?? '-'} ${p.severity}: ${p.found}; ${p.expected}`) };
}
const row = (prompt: string, completion: string) => JSON.stringify({ prompt, completion });

it('a good file has facts and no problems', async () => {
  const { files: facts, lines } = await report(`${row('one', 'two')}\n${row('three', 'four')}\n`);
  expect(lines).toEqual([]);
  expect(facts).toMatchObject([
    { key: 'train', format: 'prompt-completion', rows: 2, samples: 2, cut: 0, isComplete: true },
  ]);
  expect(facts[0]!.longest).toBeGreaterThan(4);
});

it('every kind of mistake has its line', async () => {
  const { lines, files: facts } = await report(
    [
      row('a', 'b'),
      '{"prompt": "x", ',
      '{"prompt": "no completion"}',
      row('a', 'b'),
      row('empty', '  '),
      row('long', 'y'.repeat(100)),
      row('z'.repeat(100), 'behind'),
      '[1]',
      '',
    ].join('\n'),
  );
  expect(
    lines.map((line) => line.replace(/ in JSON.*?;/, ' …;').replace(/not valid JSON: [^;]*/, 'not valid JSON')),
  ).toEqual([
    '2 error: not valid JSON; expected one JSON object on each line',
    '3 error: found nothing; expected text, as the prompt',
    '4 warning: the same sample as in line 1; expected each sample once; it counts twice in training',
    '5 warning: what is to be learnt of this sample is empty; expected text',
    expect.stringMatching(
      /^6 warning: this sample has \d+ tokens; expected at most 64, the max_length; the rest is cut off/,
    ),
    expect.stringMatching(/^7 warning: this sample has \d+ tokens and what is learnt begins behind max_length \(64\)/),
    '8 error: found a list; expected an object with keys',
  ]);
  expect(facts[0]).toMatchObject({ rows: 5, cut: 2 });
});

it('a byte order mark is said, and so are bytes that are no text', async () => {
  const { lines } = await report(
    Buffer.concat([Buffer.from('\uFEFF'), Buffer.from(`${row('a', 'b')}\n`), Buffer.from([0xff, 0xfe, 0x0a])]),
  );
  expect(lines).toEqual([
    '1 warning: found a byte order mark; it is left out; save the file as UTF-8 without one',
    '2 error: found bytes that are not UTF-8 text; expected one JSON object on each line',
  ]);
});

it('many problems are listed up to a limit, and one line counts the others', async () => {
  const { problems } = await report(`${row('a', 'b')}\n${'broken\n'.repeat(300)}`);
  expect(problems).toHaveLength(201);
  expect(problems.at(-1)).toMatchObject({ line: 1, found: '100 more problems in this file are not listed' });
});

it('of a large file the beginning is read', async () => {
  const { files: facts } = await report(Array.from({ length: 50 }, (_, i) => row(`p${i}`, 'c')).join('\n'), {}, 20);
  expect(facts[0]?.isComplete).toBe(false);
  expect(facts[0]?.rows).toBeLessThan(50);
});

it('a cancelled reading is cancelled', async () => {
  const file = fixture.config('cancelled', { data: { eval_fraction: undefined } });
  const error: unknown = await dataReport(readConfig(file), { signal: AbortSignal.abort() }).catch((e: unknown) => e);
  expect(KernelError.is(error, 'cancelled')).toBe(true);
});
