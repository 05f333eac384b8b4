/** @file Samples shown token by token: the same tokens and loss that training reads, in every format, and what is odd about them. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openDataset } from '../../../kernels/data/dataset';
import { explainSample } from '../../../kernels/data/explainSample';
import type { LossOn } from '../../../kernels/data/pieces';
import { piecesOf } from '../../../kernels/data/pieces';
import { RowPlaces, SampleBrowser, type BrowserContext } from '../../../kernels/data/sampleBrowser';
import { isFault, parseSample, type LabelledFormat, type SampleFormat } from '../../../kernels/data/samples';
import { CheckpointTokenizer, loadTokenizer } from '../../../kernels/formats/tokenizer';
import type { SampleTokens, TokenWarningKind } from '../../../kernels/protocol/calls/tokens';
import { KernelError } from '../../../kernels/protocol/errors';
import { CHATML, smallTokenizer, WITH_START } from './smallTokenizer';

const folder = mkdtempSync(join(tmpdir(), 'explain-sample-'));
afterAll(() => rmSync(folder, { recursive: true }));

const sampleTokenizer = loadTokenizer('media/sample/base');
interface Turns {
  readonly messages: readonly [{ readonly content: string }, { readonly content: string }];
}
const questions = readFileSync('media/sample/train.jsonl', 'utf8')
  .trim()
  .split('\n')
  .map((line) => (JSON.parse(line) as Turns).messages.map(({ content }) => content) as [string, string]);

/** The sample data written in each of the formats. */
const FORMATS: Readonly<Record<Exclude<SampleFormat, LabelledFormat>, (question: string, answer: string) => object>> = {
  text: (question, answer) => ({ text: `${question} ${answer}` }),
  'prompt-completion': (prompt, answer) => ({ prompt, completion: ` ${answer}` }),
  instruction: (instruction, output) => ({ instruction, input: output.slice(0, 4), output }),
  messages: (question, answer) => ({
    messages: [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: question },
      { role: 'assistant', content: answer },
    ],
  }),
};

function fileOf(name: string, rows: readonly unknown[]): string {
  const file = join(folder, name);
  writeFileSync(file, rows.map((row) => JSON.stringify(row)).join('\n'));
  return file;
}

async function browser(file: string, change: Partial<BrowserContext> = {}): Promise<SampleBrowser> {
  const files = [file];
  const context = { files, format: 'auto', lossOn: 'completion', maxLength: 64, now: new Date(0) } as const;
  return SampleBrowser.open({ ...context, tokenizer: sampleTokenizer, ...change }, await RowPlaces.read(files, {}));
}

describe('the sample data', () => {
  const cases = Object.keys(FORMATS).flatMap((format) =>
    (['completion', 'all'] as const).flatMap((lossOn) => [64, 20].map((maxLength) => ({ format, lossOn, maxLength }))),
  ) as { format: SampleFormat; lossOn: LossOn; maxLength: number }[];

  it.each(cases)('as $format with loss on $lossOn, cut at $maxLength: is shown as it is trained on', async (given) => {
    const { format, lossOn, maxLength } = given;
    const rows = questions.map((pair) => FORMATS[format as keyof typeof FORMATS](...pair));
    const file = fileOf(`${format}-${lossOn}-${maxLength}.jsonl`, rows);
    const now = new Date(0);
    const options = { files: [file], format, lossOn, maxLength, tokenizer: sampleTokenizer, now };
    const data = await openDataset({ ...options, cacheDir: join(folder, 'cache') });
    const shown = await browser(file, { format, lossOn, maxLength });
    let learnt = 0;
    const left = new Set(questions.map((_, i) => i + 1));
    for (let i = 0; i < data.length; i++) {
      const { ids, lossMask, source } = data.read(i);
      const sample = await shown.show(source.line);
      expect(sample.tokens.map((t) => t.id)).toEqual([...ids]);
      expect(sample.tokens.map((t) => Number(t.loss))).toEqual([...lossMask]);
      expect(sample.counts.loss).toBe(data.supervisedCounts[i]);
      left.delete(source.line);
      learnt += sample.counts.loss;
    }
    // What is not in the training data is said to be left out.
    for (const number of left) expect(kinds(await shown.show(number))).toContain('no-loss');
    const { tokens, loss, cut, warnings } = await shown.lengths();
    expect(loss).toBe(learnt);
    expect(cut).toBe(data.truncated + 0);
    expect(warnings['no-loss'] ?? 0).toBe(left.size);
    expect(tokens).toBeGreaterThan(loss);
    data.close();
  });
});

const kinds = ({ warnings }: Pick<SampleTokens, 'warnings'>): TokenWarningKind[] => warnings.map((w) => w.kind);

function explain(
  row: object,
  tokenizer: CheckpointTokenizer,
  change: { lossOn?: LossOn; maxLength?: number; vocabularySize?: number } = {},
) {
  const { lossOn = 'completion', maxLength = 1000, vocabularySize = Infinity } = change;
  const format = (Object.keys(FORMATS) as (keyof typeof FORMATS)[]).find((f) => !isFault(parseSample(row, f)));
  const sample = parseSample(row, format ?? 'text');
  if (isFault(sample)) throw new Error(sample.found);
  const { chatTemplate } = tokenizer;
  const pieces = piecesOf(sample, { lossOn, now: new Date(0), ...(chatTemplate && { chatTemplate }) });
  if (!('pieces' in pieces)) throw new Error(pieces.found);
  return explainSample(sample, pieces, { tokenizer, lossOn, maxLength, vocabularySize });
}

describe('the text of tokens', () => {
  it('put together is the rendered text, whatever is in it', () => {
    const text = 'Ünï 😀\tx\n\n  日本 ꙮ e\u0301\u0000end ';
    const { tokens, text: whole } = explain({ text }, sampleTokenizer);
    expect(whole).toBe(`${text}<|end|>`);
    const bytes = tokens.map((t) =>
      t.bytes === undefined ? Buffer.from(t.text) : Buffer.from(t.bytes.replaceAll(' ', ''), 'hex'),
    );
    expect(Buffer.concat(bytes).toString()).toBe(whole);
  });

  it('of a part of a character is its bytes', () => {
    const tokenizer = smallTokenizer();
    const { tokens } = explain({ text: 'a€' }, tokenizer);
    expect(tokens.map((t) => t.bytes ?? t.text)).toEqual(['a', 'e2', '82', 'ac', '</s>']);
  });

  it('of what the tokenizer leaves out of its offsets belongs to the token behind it', () => {
    const tokenizer = smallTokenizer();
    expect(explain({ text: 'a b' }, tokenizer).tokens.map((t) => t.text)).toEqual(['a', ' ', 'b', '</s>']);
  });

  it('says which tokens are special, start and end, and where it is cut', () => {
    const tokenizer = smallTokenizer({ addsStart: true });
    const { tokens, cut, counts } = explain({ prompt: 'ab', completion: 'cd' }, tokenizer, { maxLength: 4 });
    expect(tokens.map((t) => [t.text, t.loss, t.special, t.role])).toEqual([
      ['<s>', false, true, 'start'],
      ['a', false, false, undefined],
      ['b', false, false, undefined],
      ['c', true, false, undefined],
    ]);
    expect(cut).toEqual({ at: 4, total: 6, rest: 'd</s>' });
    expect(counts).toEqual({ tokens: 4, loss: 1, special: 1, total: 6 });
  });
});

describe('what is odd', () => {
  const turns = (...turns: readonly (readonly [string, string])[]) => ({
    messages: turns.map(([role, content]) => ({ role, content })),
  });
  const chatml = smallTokenizer({ template: CHATML, eos: '<|im_end|>' });

  it('is nothing about a sample that is trained on as it is meant', () => {
    expect(explain(turns(['user', 'hi'], ['assistant', 'ho']), chatml).warnings).toEqual([]);
    expect(explain({ prompt: 'a', completion: 'b' }, smallTokenizer({ addsStart: true })).warnings).toEqual([]);
  });

  it('is that nothing is learnt', () => {
    expect(kinds(explain({ text: '' }, smallTokenizer()))).toEqual(['no-loss']);
    expect(kinds(explain(turns(['user', 'hi']), chatml))).toEqual(['no-loss', 'dropped']);
    const cut = explain({ prompt: 'abcdef', completion: 'g' }, smallTokenizer(), { maxLength: 4 });
    expect(cut.warnings.map((w) => w.message)).toEqual([
      'max_length 4 cuts off 4 of 8 tokens, 2 of them with loss, the end among them',
      'max_length leaves none of the tokens that carry loss; training leaves this sample out',
    ]);
  });

  it('is an end that is not learnt, or that does not end generation', () => {
    const endless = smallTokenizer({ template: "{% for m in messages %}{{ m['role'] + m['content'] }}{% endfor %}" });
    const sample = turns(['user', 'hi'], ['assistant', 'ho']);
    expect(explain(sample, endless).warnings[0]).toMatchObject({
      kind: 'end-without-loss',
      message: expect.stringContaining('does not learn where to stop'),
    });
    expect(explain(sample, smallTokenizer({ template: CHATML })).warnings[0]).toMatchObject({
      kind: 'end-without-loss',
      message:
        'the answer ends with "<|im_end|>", which does not end generation; expected "</s>", as the checkpoint says',
    });
    // With loss on everything the line end behind the end token does not count.
    expect(explain(sample, chatml, { lossOn: 'all' }).warnings).toEqual([]);
  });

  it('is a start token that stands twice', () => {
    const tokenizer = smallTokenizer({ template: `<s>${WITH_START}` });
    expect(kinds(explain(turns(['user', 'hi'], ['assistant', 'ho']), tokenizer))).toEqual(['doubled-start']);
    expect(explain({ text: '<s>ab' }, smallTokenizer({ addsStart: true })).warnings).toEqual([]);
    expect(kinds(explain({ text: '<s><s>ab' }, smallTokenizer({ addsStart: true })))).toEqual(['doubled-start']);
  });

  it('is what the template does not write', () => {
    const deaf = smallTokenizer({
      template: "{% for m in messages if m['role'] != 'system' %}{{ m['content'] + '</s>' }}{% endfor %}",
    });
    const sample = turns(['system', 'Be brief.'], ['user', 'hi'], ['assistant', ' ho '], ['user', 'more']);
    expect(explain(sample, deaf).warnings.map((w) => w.message)).toEqual([
      'message 1 (system) is not written by the chat template as it is',
      'message 4 (user) comes after the last answer and is left out',
    ]);
  });

  it('is text without a token, and tokens without an embedding', () => {
    const file = {
      added_tokens: [],
      model: { type: 'BPE', unk_token: '?', vocab: { '?': 0, a: 1, b: 2, '.': 3 }, merges: [] },
    };
    const names = { unk_token: '?', eos_token: '.' };
    const tokenizer = new CheckpointTokenizer(file, names, 'test');
    expect(explain({ text: 'axxb' }, tokenizer).warnings.map((w) => w.message)).toEqual([
      'the tokenizer has no token for 2 parts of the text',
    ]);
    expect(explain({ text: 'ab' }, tokenizer, { vocabularySize: 3 }).warnings.map((w) => w.message)).toEqual([
      'the token "." has the id 3, and the model only 3 embeddings; training refuses it',
    ]);
  });
});

describe('looking for samples', () => {
  const rows = [
    { prompt: 'one', completion: 'two' },
    { prompt: 'long '.repeat(10), completion: 'x'.repeat(80) },
    { prompt: 'Three', completion: 'Four' },
    { text: 'of another format' },
    { prompt: 'five', completion: 'TWO' },
  ];
  const open = () => browser(fileOf('mixed.jsonl', rows), { format: 'prompt-completion', tokenizer: smallTokenizer() });

  it('finds by number, text in any case, length and warning, in both directions', async () => {
    const samples = await open();
    expect(samples.count).toBe(5);
    expect(await samples.find({ to: 'next', from: 0, query: 'two' })).toBe(1);
    expect(await samples.find({ to: 'next', from: 1, query: 'two' })).toBe(5);
    expect(await samples.find({ to: 'previous', from: 5, query: 'three' })).toBe(3);
    expect(await samples.find({ to: 'next', from: 5, query: 'two' })).toBeNull();
    expect(await samples.find({ to: 'next', from: 0, withWarning: true })).toBe(2);
    expect(await samples.find({ to: 'next', from: 2, withWarning: true })).toBe(4);
    expect(await samples.find({ to: 'longest' })).toBe(2);
    expect(await samples.find({ to: 'random' })).toBeGreaterThan(0);
  });

  it('counts lengths, cuts and rows that are no sample', async () => {
    const { samples, unreadable, cut, longest, bins, binWidth, warnings } = await (await open()).lengths();
    expect({ samples, unreadable, cut, longest, warnings }).toEqual({
      samples: 5,
      unreadable: 1,
      cut: 1,
      longest: 131,
      warnings: { cut: 1 },
    });
    expect(bins.reduce((a, b) => a + b, 0)).toBe(4);
    expect(bins.length * binWidth).toBeGreaterThanOrEqual(longest);
    expect(bins.at(-1)).toBe(1);
  });

  it('refuses a row that is no sample with its line, and a number that is none', async () => {
    const samples = await open();
    await expect(samples.show(4)).rejects.toSatisfy(
      (e) => KernelError.is(e, 'input/refused') && e.problems[0]?.line === 4,
    );
    await expect(samples.show(6)).rejects.toThrow('there is no sample 6; expected a number from 1 to 5');
  });

  it('shows the others where one of the first rows is broken and no format was given', async () => {
    const file = join(folder, 'broken.jsonl');
    writeFileSync(file, `{"prompt": \n${rows.map((row) => JSON.stringify(row)).join('\n')}`);
    const samples = await browser(file, { format: 'auto', tokenizer: smallTokenizer() });
    await expect(samples.show(1)).rejects.toThrow('not valid JSON');
    expect(await samples.show(2)).toMatchObject({ line: 2, format: 'prompt-completion' });
    const nothing = fileOf('nothing.jsonl', [{ question: 'a' }]);
    await expect(browser(nothing, { format: 'auto' })).rejects.toThrow('found the keys "question"');
    const both = fileOf('both.jsonl', [{ text: 'a', prompt: 'b', completion: 'c' }]);
    await expect(browser(both, { format: 'auto' })).rejects.toThrow(/found a sample|formats/);
  });
});
