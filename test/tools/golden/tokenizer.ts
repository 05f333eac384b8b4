/** @file Golden cases of tokenizers: every id, token, offset and decoded text must be equal. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadTokenizer } from '../../../kernels/formats/tokenizer';

/** One quantity of a case: what was measured against what is allowed. */
export interface GoldenResult {
  readonly quantity: string;
  /** Number of values that differ; 0 is exact. */
  readonly worstError: number;
  readonly tolerance: number;
}

interface Expected {
  readonly cases: readonly {
    readonly text: string;
    readonly ids: readonly number[];
    readonly tokens: readonly string[];
    readonly ids_without_special: readonly number[];
    readonly offsets: readonly (readonly number[])[];
    readonly decoded: string;
    readonly decoded_skip_special: string;
  }[];
  readonly pairs: readonly {
    readonly text: string;
    readonly pair: string;
    readonly ids: readonly number[];
    readonly type_ids: readonly number[];
  }[];
  readonly partial_decode: readonly { readonly ids: readonly number[]; readonly decoded: string }[];
}

/** Runs one folder with case.json of kind "tokenizer": each quantity with the number of texts in which it differs. */
export function runTokenizerCase(folder: string): GoldenResult[] {
  const tokenizer = loadTokenizer(folder);
  const expected = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8')) as Expected;
  const mismatches = new Map<string, number>();
  const compare = (quantity: string, actual: unknown, wanted: unknown) => {
    const isEqual = JSON.stringify(actual) === JSON.stringify(wanted);
    mismatches.set(quantity, (mismatches.get(quantity) ?? 0) + (isEqual ? 0 : 1));
  };
  for (const c of expected.cases) {
    const whole = tokenizer.encodeWithOffsets(c.text);
    const bare = tokenizer.encodeWithOffsets(c.text, { addSpecialTokens: false });
    compare('ids', whole.ids, c.ids);
    compare('tokens', whole.tokens, c.tokens);
    compare('ids_without_special', tokenizer.encode(c.text), c.ids_without_special);
    compare('ids_without_special', bare.ids, c.ids_without_special);
    compare('ids', [...tokenizer.startIds, ...tokenizer.encode(c.text), ...tokenizer.endIds], c.ids);
    compare('offsets', bare.offsets, c.offsets);
    compare('decoded', tokenizer.decode(c.ids), c.decoded);
    compare('decoded_skip_special', tokenizer.decode(c.ids, { skipSpecialTokens: true }), c.decoded_skip_special);
  }
  for (const p of expected.pairs) {
    const both = tokenizer.encodeWithOffsets(p.text, { pair: p.pair });
    compare('pair ids', both.ids, p.ids);
    compare('pair type_ids', both.typeIds, p.type_ids);
  }
  for (const p of expected.partial_decode) compare('partial_decode', tokenizer.decode(p.ids), p.decoded);
  return [...mismatches].map(([quantity, worstError]) => ({ quantity, worstError, tolerance: 0 }));
}
