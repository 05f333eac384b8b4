/**
 * @file Byte-pair encoding: symbols are merged, the pair with the lowest rank first, until no pair has a rank. Written
 * anew because the caller needs the place of each token, and about ten times faster than that of @huggingface/tokenizers.
 */
import * as l10n from '@vscode/l10n';
import { KernelError } from '../../protocol/errors';
import { BYTE_CHARACTERS, toByteAlphabet } from './byteAlphabet';
import { asId, asJson, asList, textOr, type Json } from './json';
import { byteTokenName, type TokenModel, type Word } from './model';

/** `readsBytes`: words come as text and are read as UTF-8 bytes in the byte alphabet. */
export function buildBpe(config: Json, readsBytes: boolean): TokenModel {
  if (typeof config['dropout'] === 'number' && config['dropout'] > 0) {
    throw new KernelError(
      'format/invalid',
      l10n.t('tokenizer.json: BPE with dropout is not supported; expected dropout null'),
    );
  }
  const entries = Object.entries(asJson(config['vocab'], 'model.vocab'));
  const vocabulary = new Map(entries.map(([token, id]) => [token, asId(id, `the id of ${token}`)]));
  const prefix = textOr(config['continuing_subword_prefix'], '');
  const suffix = textOr(config['end_of_word_suffix'], '');
  const merges = new MergeTable(asList(config['merges'], 'model.merges'), vocabulary, prefix);
  const symbols = symbolReader(config, vocabulary, prefix, suffix, readsBytes);
  const ignoresMerges = config['ignore_merges'] === true;
  return {
    vocabulary,
    encode: (word) => {
      if (ignoresMerges) {
        const id = vocabulary.get(readsBytes ? toByteAlphabet(word) : word);
        if (id !== undefined) return { ids: [id], ranges: [0, readsBytes ? Buffer.byteLength(word) : word.length] };
      }
      return mergeAll(symbols(word), merges);
    },
  };
}

/** The symbols of a word before any merge: ids and where each ends. */
interface Symbols {
  readonly ids: number[];
  readonly starts: number[];
  readonly ends: number[];
}

function symbolReader(
  config: Json,
  vocabulary: ReadonlyMap<string, number>,
  prefix: string,
  suffix: string,
  readsBytes: boolean,
): (word: string) => Symbols {
  const unknown = typeof config['unk_token'] === 'string' ? vocabulary.get(config['unk_token']) : undefined;
  const fusesUnknown = config['fuse_unk'] === true;
  const byteTokens = config['byte_fallback'] === true ? allByteTokens(vocabulary) : undefined;
  const plainBytes = BYTE_CHARACTERS.map((character) => vocabulary.get(character));
  const isPlain = prefix === '' && suffix === '';

  return (word) => {
    const ids: number[] = [];
    const starts: number[] = [];
    const ends: number[] = [];
    let wasUnknown = false;
    const add = (id: number, start: number, end: number) => {
      ids.push(id);
      starts.push(start);
      ends.push(end);
      wasUnknown = false;
    };
    const addUnknown = (start: number, end: number) => {
      if (unknown === undefined) return;
      if (wasUnknown && fusesUnknown) ends[ends.length - 1] = end;
      else add(unknown, start, end);
      wasUnknown = true;
    };
    const addCharacter = (character: string, id: number | undefined, start: number, end: number) => {
      if (id !== undefined) return add(id, start, end);
      const bytes = byteTokens?.(character);
      if (bytes) for (const byte of bytes) add(byte, start, end);
      else addUnknown(start, end);
    };

    if (readsBytes) {
      const bytes = Buffer.from(word, 'utf8');
      for (let i = 0; i < bytes.length; i++) {
        const byte = bytes[i] ?? 0;
        const character = BYTE_CHARACTERS[byte] ?? '';
        const id = isPlain ? plainBytes[byte] : vocabulary.get(affixed(character, i === 0, i === bytes.length - 1));
        addCharacter(character, id, i, i + 1);
      }
    } else {
      let start = 0;
      for (const character of word) {
        const end = start + character.length;
        const symbol = isPlain ? character : affixed(character, start === 0, end === word.length);
        addCharacter(symbol, vocabulary.get(symbol), start, end);
        start = end;
      }
    }
    return { ids, starts, ends };
  };

  function affixed(character: string, isFirst: boolean, isLast: boolean): string {
    return `${isFirst ? '' : prefix}${character}${isLast ? suffix : ''}`;
  }
}

/** Ids of the byte tokens that spell a character, or undefined when one of them is missing. */
function allByteTokens(vocabulary: ReadonlyMap<string, number>): (character: string) => number[] | undefined {
  const ofByte = Array.from({ length: 256 }, (_, byte) => vocabulary.get(byteTokenName(byte)));
  return (character) => {
    const ids = [...Buffer.from(character, 'utf8')].map((byte) => ofByte[byte]);
    return ids.every((id) => id !== undefined) ? ids : undefined;
  };
}

/** Two ids -> rank and id of the merged token, by open addressing: 280 000 merges in a few megabytes. */
class MergeTable {
  readonly #mask: number;
  /** Left id, right id and rank + 1 of each slot; rank + 1 = 0: free. */
  readonly #slots: Int32Array;
  readonly #merged: Int32Array;

  constructor(merges: readonly unknown[], vocabulary: ReadonlyMap<string, number>, prefix: string) {
    const size = 2 ** Math.ceil(Math.log2(Math.max(8, merges.length * 2)));
    this.#mask = size - 1;
    this.#slots = new Int32Array(3 * size);
    this.#merged = new Int32Array(merges.length);
    merges.forEach((merge, rank) => {
      const [left, right] = parseMerge(merge);
      const leftId = vocabulary.get(left);
      const rightId = vocabulary.get(right);
      const merged = vocabulary.get(left + right.slice(prefix.length));
      if (leftId === undefined || rightId === undefined || merged === undefined) {
        const message = l10n.t(
          'tokenizer.json: merge {0} ({1} {2}) makes a token that is not in the vocabulary; expected its parts and what it makes there',
          rank,
          left,
          right,
        );
        throw new KernelError('format/invalid', message);
      }
      this.#merged[rank] = merged;
      const at = this.#slot(leftId, rightId);
      this.#slots.set([leftId, rightId, rank + 1], at);
    });
  }

  /** Rank of a pair, or -1. */
  rank(left: number, right: number): number {
    return (this.#slots[this.#slot(left, right) + 2] ?? 0) - 1;
  }

  merged(rank: number): number {
    return this.#merged[rank] ?? 0;
  }

  #slot(left: number, right: number): number {
    const slots = this.#slots;
    let hash = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b);
    hash = (hash ^ (hash >>> 15)) & this.#mask;
    for (;;) {
      const at = 3 * hash;
      const isFree = slots[at + 2] === 0;
      if (isFree || (slots[at] === left && slots[at + 1] === right)) return at;
      hash = (hash + 1) & this.#mask;
    }
  }
}

/** A merge is a pair, or, in older files, two tokens with a space between them. */
function parseMerge(merge: unknown): readonly [string, string] {
  const pair: readonly unknown[] = typeof merge === 'string' ? merge.split(' ') : asList(merge, l10n.t('a merge'));
  const [left, right] = pair;
  if (pair.length === 2 && typeof left === 'string' && typeof right === 'string') return [left, right];
  throw new KernelError(
    'format/invalid',
    l10n.t('tokenizer.json: a merge is {0}; expected two tokens', JSON.stringify(merge)),
  );
}

/**
 * Merges in the order of the ranks, and from left to right among equal ranks. Symbols form a linked list; a queue entry
 * is outdated when its pair has changed since.
 */
function mergeAll({ ids, starts, ends }: Symbols, merges: MergeTable): Word {
  const count = ids.length;
  const next = ids.map((_, i) => (i + 1 < count ? i + 1 : -1));
  const previous = ids.map((_, i) => i - 1);
  const queue = new MinQueue();
  const offer = (left: number) => {
    const right = left < 0 ? -1 : (next[left] ?? -1);
    if (right < 0) return;
    const rank = merges.rank(ids[left] ?? -1, ids[right] ?? -1);
    if (rank >= 0) queue.push(rank * POSITIONS + left);
  };
  for (let i = 0; i + 1 < count; i++) offer(i);
  for (let entry = queue.pop(); entry !== undefined; entry = queue.pop()) {
    const left = entry % POSITIONS;
    const merged = merges.merged(Math.floor(entry / POSITIONS));
    const right = next[left] ?? -1;
    if (ids[left] === GONE || right < 0) continue;
    const rank = merges.rank(ids[left] ?? -1, ids[right] ?? -1);
    if (rank < 0 || merges.merged(rank) !== merged) continue;
    ids[left] = merged;
    ids[right] = GONE;
    ends[left] = ends[right] ?? 0;
    const after = next[right] ?? -1;
    next[left] = after;
    next[right] = -1;
    if (after >= 0) previous[after] = left;
    offer(previous[left] ?? -1);
    offer(left);
  }
  const kept: number[] = [];
  const ranges: number[] = [];
  for (let i = 0; i >= 0 && i < count; i = next[i] ?? -1) {
    kept.push(ids[i] ?? 0);
    ranges.push(starts[i] ?? 0, ends[i] ?? 0);
  }
  return { ids: kept, ranges };
}

const GONE = -1;
/** A queue entry is rank · 2³¹ + position: exact in a float64 for ranks below 2²². */
const POSITIONS = 2 ** 31;

/** A binary heap of numbers, the smallest first. */
class MinQueue {
  readonly #heap: number[] = [];

  push(value: number): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(value);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent] ?? 0;
      if (above <= value) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = value;
  }

  pop(): number | undefined {
    const heap = this.#heap;
    const smallest = heap[0];
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return smallest;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if ((heap[child + 1] ?? Infinity) < (heap[child] ?? Infinity)) child++;
      const below = heap[child] ?? Infinity;
      if (below >= last) break;
      heap[at] = below;
      at = child;
    }
    heap[at] = last;
    return smallest;
  }
}
