/** @file Training of a byte-level BPE vocabulary: the most frequent pair of neighbouring symbols becomes one symbol, again and again. */
import { toByteSymbols } from './byteAlphabet';

export type Merge = readonly [left: string, right: string];

/** Pieces that merges never cross: single digits, then GPT-2's split into words with their leading space, numbers and punctuation. */
const PIECES = /\p{N}|'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;

interface Word {
  symbols: string[];
  readonly count: number;
}

/**
 * Up to `limit` merges in the order in which they apply. A pair seen fewer than `minCount` times is not merged. Among equally
 * frequent pairs the one that sorts first by code units wins, so the result depends on nothing but the text.
 */
export function trainMerges(texts: Iterable<string>, limit: number, minCount = 2): Merge[] {
  const words = countWords(texts);
  const pairs = new PairIndex(words);
  const merges: Merge[] = [];
  while (merges.length < limit) {
    const best = pairs.mostFrequent();
    if (best === undefined || best.count < minCount) break;
    merges.push(best.pair);
    pairs.merge(best.pair);
  }
  return merges;
}

function countWords(texts: Iterable<string>): Word[] {
  const counts = new Map<string, number>();
  for (const text of texts) {
    for (const [piece] of text.matchAll(PIECES)) counts.set(piece, (counts.get(piece) ?? 0) + 1);
  }
  return Array.from(counts, ([piece, count]) => ({ symbols: toByteSymbols(piece), count }));
}

/** Counts of all pairs of neighbours, kept up to date while words are merged. */
class PairIndex {
  private readonly entries = new Map<string, { readonly pair: Merge; count: number; readonly words: Set<Word> }>();

  constructor(words: readonly Word[]) {
    for (const word of words) this.add(word, 1);
  }

  mostFrequent(): { readonly pair: Merge; readonly count: number } | undefined {
    let best: { key: string; pair: Merge; count: number } | undefined;
    for (const [key, { pair, count }] of this.entries) {
      if (best === undefined || count > best.count || (count === best.count && key < best.key))
        best = { key, pair, count };
    }
    return best;
  }

  merge(pair: Merge): void {
    const entry = this.entries.get(keyOf(pair));
    for (const word of [...(entry?.words ?? [])]) {
      this.add(word, -1);
      word.symbols = mergePair(word.symbols, pair);
      this.add(word, 1);
    }
  }

  private add(word: Word, sign: 1 | -1): void {
    for (let i = 0; i + 1 < word.symbols.length; i++) {
      const pair: Merge = [word.symbols[i] ?? '', word.symbols[i + 1] ?? ''];
      const key = keyOf(pair);
      const entry = this.entries.get(key) ?? { pair, count: 0, words: new Set<Word>() };
      entry.count += sign * word.count;
      if (sign === 1) entry.words.add(word);
      else entry.words.delete(word);
      if (entry.count > 0) this.entries.set(key, entry);
      else this.entries.delete(key);
    }
  }
}

/** A space never occurs in byte symbols, so it separates the two without doubt. */
function keyOf([left, right]: Merge): string {
  return `${left} ${right}`;
}

function mergePair(symbols: readonly string[], [left, right]: Merge): string[] {
  const merged: string[] = [];
  for (let i = 0; i < symbols.length; i++) {
    const symbol = symbols[i] ?? '';
    if (symbol === left && symbols[i + 1] === right) {
      merged.push(left + right);
      i++;
    } else {
      merged.push(symbol);
    }
  }
  return merged;
}
