/** @file BERT's tokenizer against what the tokenizers library made of the same file: test/fixtures/wordPiece. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { encodeSample } from '../../../kernels/data/encodeSample';
import { loadTokenizer } from '../../../kernels/formats/tokenizer';

interface Expected {
  readonly texts: readonly {
    readonly text: string;
    readonly ids: readonly number[];
    readonly tokens: readonly string[];
    readonly offsets: readonly (readonly [number, number])[];
    readonly decoded: string;
  }[];
  readonly pairs: readonly {
    readonly text: string;
    readonly pair: string;
    readonly ids: readonly number[];
    readonly typeIds: readonly number[];
    /** Length → ids and type ids of the pair cut to it (`longest_first`). */
    readonly cut: Readonly<Record<string, readonly [readonly number[], readonly number[]]>>;
  }[];
}

const folder = path.join(__dirname, '../../fixtures/wordPiece');
const tokenizer = loadTokenizer(folder);
const { texts, pairs } = JSON.parse(readFileSync(path.join(folder, 'expected.json'), 'utf8')) as Expected;

describe('a WordPiece tokenizer', () => {
  it.each(texts.map((t) => [t.text, t] as const))('cuts %j into the same tokens', (_, expected) => {
    const { ids, offsets } = tokenizer.encodeWithOffsets(expected.text);
    expect(ids).toEqual(expected.ids);
    expect(offsets).toEqual(expected.offsets);
    expect(tokenizer.decode(ids, { skipSpecialTokens: true })).toBe(expected.decoded);
    expect(tokenizer.place(tokenizer.encode(expected.text)).ids).toEqual(expected.ids);
  });

  it('puts two texts together, and cuts the longer one first', () => {
    for (const { text, pair, ids, typeIds, cut } of pairs) {
      const both = tokenizer.encodeWithOffsets(text, { pair });
      expect([both.ids, both.typeIds]).toEqual([ids, typeIds]);
      const pieces = [text, pair].map((own) => ({ text: own, carriesLoss: false }));
      const source = { pieces, addsStartAndEnd: false, label: 'x' };
      for (const [length, expected] of Object.entries(cut)) {
        const sample = encodeSample(source, tokenizer, Number(length));
        expect([[...sample.ids], [...(sample.tokenTypes ?? [])]]).toEqual(expected);
      }
    }
  });
});
