import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CheckpointTokenizer, loadTokenizer } from '../../../kernels/formats/tokenizer';
import { KernelError } from '../../../kernels/protocol/errors';
import { runTokenizerCase } from '../../tools/golden/tokenizer';

const golden = join(__dirname, '../../golden/cases');
const recorded = join(__dirname, 'tokenizers');

interface Recorded {
  readonly tokenizer: Readonly<Record<string, unknown>>;
  readonly cases: readonly (readonly [text: string, ids: number[], offsets: number[][], decoded: string])[];
  readonly decoded: readonly (readonly [ids: number[], text: string])[];
}

function readRecorded(file: string): { recorded: Recorded; tokenizer: CheckpointTokenizer } {
  const data = JSON.parse(readFileSync(join(recorded, file), 'utf8')) as Recorded;
  return { recorded: data, tokenizer: new CheckpointTokenizer(data.tokenizer, {}, '') };
}

/** Any code points but halves of surrogate pairs. */
const anyText = fc
  .array(fc.integer({ min: 0, max: 0x10f7ff }), { maxLength: 40 })
  .map((points) => String.fromCodePoint(...points.map((p) => (p < 0xd800 ? p : p + 0x800))));

describe('the reference tokenizers', () => {
  for (const name of readdirSync(golden).filter((n) => n.startsWith('12-'))) {
    test(`${name} is reproduced in every id, token, offset and text`, () => {
      const wrong = runTokenizerCase(join(golden, name)).filter((r) => r.worstError > r.tolerance);
      expect(wrong).toEqual([]);
    });
  }
});

describe('tokenizers of other kinds, against Hugging Face tokenizers', () => {
  for (const file of readdirSync(recorded).filter((n) => n.endsWith('.json'))) {
    test(`${file} gives the same ids, offsets and texts`, () => {
      const { recorded: data, tokenizer } = readRecorded(file);
      for (const [text, ids, offsets, decoded] of data.cases) {
        const what = `${file}: ${JSON.stringify(text)}`;
        const whole = tokenizer.encodeWithOffsets(text);
        expect(whole.ids, what).toEqual(ids);
        expect(tokenizer.encodeWithOffsets(text, { addSpecialTokens: false }).offsets, what).toEqual(offsets);
        expect([...tokenizer.startIds, ...tokenizer.encode(text), ...tokenizer.endIds], what).toEqual(ids);
        expect(tokenizer.decode(ids), what).toBe(decoded);
      }
      for (const [ids, text] of data.decoded) expect(tokenizer.decode(ids, { skipSpecialTokens: true })).toBe(text);
    });
  }

  test('any text survives a byte-level tokenizer', () => {
    const { tokenizer } = readRecorded('smollm.json');
    fc.assert(
      fc.property(anyText, (text) => {
        const ids = tokenizer.encode(text);
        expect(tokenizer.decode(ids)).toBe(text);
        const { offsets } = tokenizer.encodeWithOffsets(text);
        const length = [...text].length;
        expect(offsets.every(([start, end]) => 0 <= start && start <= end && end <= length)).toBe(true);
      }),
    );
  });

  test('half a surrogate pair is read as U+FFFD', () => {
    const { tokenizer } = readRecorded('smollm.json');
    expect(tokenizer.encode('a\ud83d b')).toEqual(tokenizer.encode('a\ufffd b'));
  });
});

describe('a checkpoint folder', () => {
  let folder: string;
  const source = readRecorded('llama2.json').recorded.tokenizer;
  const write = (name: string, content: unknown) => writeFileSync(join(folder, name), JSON.stringify(content));
  beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'tokenizer-'))));
  afterAll(() => rmSync(folder, { recursive: true }));

  test('names the special tokens and says what ends a text', () => {
    write('tokenizer.json', source);
    write('special_tokens_map.json', { bos_token: '<s>', eos_token: { content: '</s>' }, unk_token: '<unk>' });
    write('generation_config.json', { eos_token_id: [2, 3] });
    const tokenizer = loadTokenizer(folder);
    expect([tokenizer.bosId, tokenizer.eosId, tokenizer.padId]).toEqual([1, 2, 2]);
    expect([...tokenizer.stopIds]).toEqual([2, 3]);
    expect([tokenizer.startIds, tokenizer.endIds]).toEqual([[1], []]);
    expect([tokenizer.tokenToId('</s>'), tokenizer.idToToken(1), tokenizer.isSpecial(1)]).toEqual([2, '<s>', true]);
    const before = tokenizer.digest;
    write('tokenizer_config.json', { pad_token: '<pad>' });
    expect(loadTokenizer(folder).padId).toBe(0);
    expect(loadTokenizer(folder).digest).not.toBe(before);
  });

  test('is refused when a part of its tokenizer cannot be reproduced exactly', () => {
    const refusals: [object, RegExp][] = [
      [{ normalizer: { type: 'Precompiled' } }, /normalizer of type Precompiled is not supported; supported: NFC/],
      [{ pre_tokenizer: { type: 'UnicodeScripts' } }, /pre_tokenizer of type UnicodeScripts is not supported/],
      [{ decoder: { type: 'CTC' } }, /decoder of type CTC is not supported/],
      [
        { model: { type: 'WordLevel', vocab: {} } },
        /model of type WordLevel is not supported; supported: BPE, Unigram, WordPiece/,
      ],
      [{ post_processor: { type: 'Other' } }, /post_processor of type Other is not supported/],
      [{ model: { type: 'BPE', vocab: { a: 0, b: 1 }, merges: ['a b'] } }, /merge 0 \(a b\) makes a token that is not/],
      [{ pre_tokenizer: { type: 'Split', pattern: { Regex: '(' }, behavior: 'Isolated' } }, /regular expression \(/],
    ];
    for (const [change, message] of refusals) {
      write('tokenizer.json', { ...source, ...change });
      expect(() => loadTokenizer(folder)).toThrow(message);
    }
    writeFileSync(join(folder, 'tokenizer.json'), '{');
    expect(() => loadTokenizer(folder)).toThrow(/tokenizer\.json:1: the text ends; expected a key/);
    rmSync(join(folder, 'tokenizer.json'));
    expect(() => loadTokenizer(folder)).toThrow(/tokenizer\.json: there is no such file; expected the tokenizer/);
    write('tokenizer.json', source);
    write('tokenizer_config.json', { eos_token: '<nowhere>' });
    expect(() => loadTokenizer(folder)).toThrow(KernelError);
  });
});
