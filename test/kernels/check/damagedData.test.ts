/** @file Damaged data: each mistake is found by `check` with its line, and a run on the file is refused as well. */
import './markedTexts';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { openDataset } from '../../../kernels/data/dataset';
import { loadTokenizer } from '../../../kernels/formats/tokenizer';
import { trainingFixture } from '../../support/trainingFixture';
import { check, refusalOf } from './damage';

const fixture = trainingFixture();

beforeAll(() => {
  process.env.ADAPTER_STUDIO_CACHE = path.join(fixture.folder, 'cache');
});

let files = 0;
function written(content: string | Uint8Array, ending = '.jsonl'): string {
  const file = path.join(fixture.folder, `data-${files++}${ending}`);
  writeFileSync(file, content);
  return file;
}

const tokenized = (file: string) =>
  openDataset({
    files: [file],
    format: 'auto',
    lossOn: 'completion',
    maxLength: 64,
    tokenizer: loadTokenizer(fixture.model),
    cacheDir: path.join(fixture.folder, 'tokens'),
  });

interface Damage {
  readonly name: string;
  readonly content: string | Uint8Array;
  readonly ending?: string;
  /** What stands behind the path. */
  readonly says: RegExp;
  /** Lines that are printed; default: one. */
  readonly count?: number;
}

const GOOD = '{"text":"a good line"}';
const bad = (line: string, says: RegExp, name = line): Damage => ({ name, content: `${GOOD}\n${line}\n`, says });
const utf16 = (text: string): Buffer => Buffer.from(`\ufeff${text}`, 'utf16le');
const parquet = (name: string): Buffer => readFileSync(path.resolve('test/kernels/data/parquet', name));

const damages: readonly Damage[] = [
  { name: 'an empty file', content: '', says: /: found no samples; expected at least one$/ },
  { name: 'blank lines only', content: '\n  \n\r\n\t\n', says: /: found no samples; expected at least one$/ },
  {
    name: 'UTF-16',
    content: utf16(`${GOOD}\n${GOOD}\n`),
    says: /:1: this is UTF-16 text: save it as UTF-8; expected JSON in UTF-8$/,
  },
  { name: 'UTF-16 of the other order', content: utf16(`${GOOD}\n`).swap16(), says: /:1: this is UTF-16 text/ },
  {
    name: 'Latin-1',
    content: Buffer.from(`${GOOD}\n{"text":"caf\xe9"}\n`, 'latin1'),
    says: /:2: found bytes that are not UTF-8 text; expected one JSON object/,
  },
  {
    name: 'a gzip file',
    content: Buffer.from([0x1f, 0x8b, 8, 0, 0]),
    says: /:1: this is compressed with gzip: unpack it first/,
  },
  { name: 'a pickle', content: Buffer.from([0x80, 4, 0x95, 0]), says: /:1: this is a pickle, which can run code/ },
  {
    name: 'a pointer of Git LFS',
    content: 'version https://git-lfs.github.com/spec/v1\noid sha256:0\n',
    says: /:1: this is a pointer of Git LFS/,
  },
  { name: 'Parquet under another name', content: parquet('pairs-gzip.parquet'), says: /:1: this is a Parquet file/ },
  {
    name: 'a list over several lines',
    content: `[\n${GOOD},\n${GOOD}\n]`,
    says: /:1: found a list of rows, which a file named \.json may hold; expected one JSON object on each line/,
  },
  { name: 'a list on one line', content: `[${GOOD}, ${GOOD}]\n`, says: /:1: found a list of rows/ },
  {
    name: 'one object over several lines',
    content: JSON.stringify({ text: 'a', more: 1 }, null, 2),
    says: /:1: found an object over several lines; expected one JSON object on each line/,
  },
  {
    name: 'one object over several lines, named .json',
    ending: '.json',
    content: JSON.stringify({ text: 'a' }, null, 2),
    says: /:1: found an object over several lines/,
  },
  bad('{"text": "cut', /:2: not valid JSON: found .*|:2: not valid JSON: the text ends/),
  bad(
    "{'text': 'a'}",
    /:2: not valid JSON: found "'text': 'a'}" at column 2, expected a key in double quotes; expected one JSON object/,
  ),
  bad('{"text": "a",}', /:2: not valid JSON: found "}" at column 14, expected a key/),
  bad('{"text": NaN}', /:2: not valid JSON: found "NaN}" at column 10/),
  bad('{"text": "a"} {"text": "b"}', /:2: not valid JSON: found .* at column 15, expected the end of the text/),
  bad('text: a', /:2: not valid JSON: found "text: a" at column 1/),
  bad('{"text": "a\u0000b"}', /:2: not valid JSON: .* control characters escaped/, 'a NUL byte'),
  bad('{"text": "a", "text": "b"}', /:2: found .* at column 15; expected each key once, "text" is repeated/),
  bad('{"text": "\\ud83d"}', /:2: found half of a surrogate pair/),
  bad('{"text": 7}', /:2: text: found number 7; expected text/),
  bad('{"text": null}', /:2: text: found nothing; expected text/),
  bad('{"text": ["a"]}', /:2: text: found a list; expected text/),
  bad('{"text": {}}', /:2: text: found an object; expected text/),
  bad('{"txt": "a"}', /:2: text: found nothing; expected text/),
  bad('"a"', /:2: found text; expected an object with keys/),
  bad('[]', /:2: found a list; expected an object with keys/),
  bad('null', /:2: found nothing; expected an object/),
  bad('3', /:2: found number 3; expected an object/),
  {
    name: 'another format in the middle',
    content: `${GOOD}\n{"prompt":"a","completion":"b"}\n${GOOD}2\n`.replace('}2', '}'),
    says: /:2: found a sample of format prompt-completion among samples of format text; expected one format/,
  },
  {
    name: 'a missing completion',
    content: '{"prompt":"a","completion":"b"}\n{"prompt":"a"}\n',
    says: /:2: completion: found nothing; expected text, as the prompt/,
  },
  {
    name: 'a list beside a text',
    content: '{"prompt":"a","completion":"b"}\n{"prompt":"a","completion":[]}\n',
    says: /:2: completion: found a list; expected text/,
  },
  {
    name: 'messages that are empty',
    content: '{"messages":[]}\n',
    says: /:1: messages: found an empty list; expected at least one message/,
  },
  {
    name: 'messages that are text',
    content: '{"messages":"hello"}\n',
    says: /:1: messages: found text; expected a list of messages/,
  },
  {
    name: 'a message without role',
    content: '{"messages":[{"content":"a"}]}\n',
    says: /:1: messages\.0: found a message without role; expected/,
  },
  {
    name: 'a message without content',
    content: '{"messages":[{"role":"user"}]}\n',
    says: /:1: messages\.0\.content: found nothing; expected text/,
  },
  {
    name: 'a message in parts',
    content: '{"messages":[{"role":"user","content":[{"type":"text","text":"a"}]}]}\n',
    says: /:1: messages\.0\.content: found a list; expected text/,
  },
  {
    name: 'a message that is text',
    content: '{"messages":["a"]}\n',
    says: /:1: messages\.0: found text; expected an object with role and content/,
  },
  {
    name: 'keys of no format',
    content: '{"question":"a","answer":"b"}\n',
    says: /:1: found the keys "question", "answer"; expected text, or prompt and completion/,
  },
  { name: 'an object without keys', content: '{}\n', says: /:1: found an object without keys; expected/ },
  {
    name: 'keys of two formats',
    content: '{"text":"a","messages":[{"role":"user","content":"a"}]}\n',
    says: /:1: found keys that fit the formats text and messages; write data\.format/,
  },
  {
    name: 'a broken list',
    ending: '.json',
    content: `[${GOOD},\n{"text": }]`,
    says: /:2: not valid JSON: found "}" at column 10/,
  },
  {
    name: 'a list that does not end',
    ending: '.json',
    content: `[${GOOD},\n${GOOD}`,
    says: /:2: found the file ends before the list is closed|:2: the file ends before the list is closed/,
  },
  { name: 'text behind a list', ending: '.json', content: `[${GOOD}]\n[]`, says: /:2: found more text after the list/ },
  {
    name: 'a comma too many',
    ending: '.json',
    content: `[${GOOD},\n,${GOOD.replace('good', 'fine')}]`,
    says: /:2: found a comma without an item/,
  },
  {
    name: 'no Parquet',
    ending: '.parquet',
    content: 'no',
    says: /: cannot be read as Parquet: .*; expected a Parquet file/,
  },
  {
    name: 'Parquet cut off',
    ending: '.parquet',
    content: parquet('pairs-gzip.parquet').subarray(0, 200),
    says: /: cannot be read as Parquet: /,
  },
  {
    name: 'Parquet of another codec',
    ending: '.parquet',
    content: parquet('pairs-lz4.parquet'),
    says: /: cannot be read as Parquet: compressed with LZ4/,
  },
];

describe('data:', () => {
  test.each(damages)('$name', async ({ content, ending, says, count = 1 }) => {
    const file = written(content, ending);
    const { errors } = await check(file);
    expect(errors.join('\n')).toMatch(says);
    expect(errors).toHaveLength(count);
    expect(errors.every((line) => line.startsWith(file))).toBe(true);
    if (/no samples/.test(says.source)) return;
    await refusalOf(() => tokenized(file).then((set) => set.close()));
  });

  test('a line without end is refused at the cost of its limit', async () => {
    const file = written(Buffer.alloc(70 * 1024 * 1024, 'a'));
    expect((await check(file)).errors).toEqual([
      `${file}:1: found 73 MB in one row; expected at most 67 MB; does the file have line ends?`,
    ]);
  });

  test('a pipe, a device and a folder are refused and do not keep a reader waiting', async () => {
    const pipe = path.join(fixture.folder, 'pipe.jsonl');
    execFileSync('mkfifo', [pipe]);
    const device = path.join(fixture.folder, 'device.jsonl');
    symlinkSync('/dev/zero', device);
    const folder = path.join(fixture.folder, 'folder.jsonl');
    mkdirSync(folder);
    expect((await check(pipe)).errors).toEqual([expect.stringMatching(/: this is a pipe; expected/)]);
    expect((await check(device)).errors).toEqual([expect.stringMatching(/: this is a device; expected/)]);
    expect((await check(folder)).errors).toEqual([expect.stringMatching(/this folder holds no config\.json/)]);
    for (const file of [pipe, device, folder]) await refusalOf(() => tokenized(file));
    const loop = path.join(fixture.folder, 'loop.jsonl');
    symlinkSync('loop.jsonl', loop);
    expect((await check(loop)).errors).toEqual([expect.stringMatching(/: these links lead to each other; expected/)]);
  });

  test('a mistake that every line has is listed four times and then counted, with the lines', async () => {
    const rows = Array.from({ length: 5000 }, (_, i) => `{"prompt":"${i}","completion":"x"}`);
    const file = written([...rows, GOOD, '{"prompt":1}', '{"prompt":2}'].join('\n'));
    const config = fixture.config('format', { data: { train: file, format: 'text' } });
    const { errors } = await check(config);
    const own = errors.filter((line) => line.startsWith(file));
    expect(own.map((line) => line.slice(file.length))).toEqual([
      ':1: text: found nothing; expected text',
      ':2: text: found nothing; expected text',
      ':3: text: found nothing; expected text',
      ':4: text: found nothing; expected text',
      ':5: text: found nothing: the same on 4998 more lines (5–5000, 5002–5003); expected text',
    ]);
  });

  test('thousands of mistakes of their own are counted beyond the first thousand', async () => {
    const { errors } = await check(written(Array.from({ length: 3000 }, (_, i) => `{"text":${i}}`).join('\n')));
    expect(errors).toHaveLength(1001);
    expect(errors.at(-1)).toMatch(/: 2000 more rows with mistakes of their own are not listed; expected/);
  });
});

interface Oddity {
  readonly name: string;
  readonly content: string | Uint8Array;
  readonly ending?: string;
  readonly warns?: RegExp;
}

const oddities: readonly Oddity[] = [
  { name: 'a byte order mark', content: `\ufeff${GOOD}\n`, warns: /:1: found a byte order mark; it is left out/ },
  { name: 'line ends of Windows', content: `${GOOD}\r\n{"text":"b"}\r\n` },
  { name: 'blank lines between', content: `${GOOD}\n\n   \n{"text":"b"}` },
  { name: 'no line end at the end', content: GOOD },
  { name: 'more keys than are read', content: '{"text":"a","id":7,"meta":{"text":"inside"}}\n' },
  { name: 'a key inside a text', content: '{"text":"\\"text\\": \\"text\\""}\n' },
  { name: 'escapes and emoji', content: '{"text":"\\u00e9\\ud83d\\ude00 \u{1f600}"}\n' },
  { name: 'one object in a file named .json', ending: '.json', content: `${GOOD}\n` },
  { name: 'lines in a file named .json', ending: '.json', content: `${GOOD}\n{"text":"b"}\n` },
  { name: 'a list', ending: '.json', content: `  [ ${GOOD} ,\n{"text":"b"}\n]\n` },
  { name: 'a null beside the keys of its format', content: '{"text":"a","prompt":null,"completion":null}\n' },
  { name: 'an endless key', content: `{"text":"a","${'k'.repeat(100_000)}":1}\n` },
  {
    name: 'the same sample twice',
    content: `${GOOD}\n{"text":"b"}\n${GOOD}\n`,
    warns: /:3: 1 of 3 samples repeat an earlier one; this is the first, it repeats line 1; expected each sample once/,
  },
  {
    name: 'an unknown role',
    content: '{"messages":[{"role":"robot","content":"a"},{"role":"assistant","content":"b"}]}\n',
    warns: /:1: 1 messages have the role "robot"; this is the first; expected system, /,
  },
  {
    name: 'no answer',
    content: '{"messages":[{"role":"user","content":"a"}]}\n',
    warns: /:1: 1 of 1 samples hold no answer of the assistant/,
  },
  {
    name: 'an empty answer',
    content: '{"prompt":"a","completion":"b"}\n{"prompt":"a","completion":" \\n"}\n',
    warns: /:2: of 1 of 2 samples what is to be learnt is empty; this is the first; expected text/,
  },
  { name: 'Parquet', ending: '.parquet', content: parquet('pairs-gzip.parquet') },
];

describe('legal but rare data:', () => {
  test.each(oddities)('$name', async ({ content, ending, warns }) => {
    const file = written(content, ending);
    const { errors, warnings } = await check(file);
    expect(errors).toEqual([]);
    if (warns) expect(warnings.join('\n')).toMatch(warns);
    else expect(warnings).toEqual([]);
    (await tokenized(file)).close();
  });
});
