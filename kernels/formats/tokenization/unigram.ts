/** @file Unigram: of all ways to spell a word with tokens, the one with the largest sum of scores (Viterbi). */
import * as l10n from '@vscode/l10n';
import { KernelError } from '../../protocol/errors';
import { asId, asList, asText, type Json } from './json';
import { byteTokenName, type TokenModel, type Word } from './model';

/** Penalty of an unknown character below the lowest score, as in SentencePiece. */
const UNKNOWN_PENALTY = 10;

export function buildUnigram(config: Json): TokenModel {
  const [entryName, tokenName] = [l10n.t('an entry of model.vocab'), l10n.t('a token of model.vocab')];
  const entries = asList(config['vocab'], 'model.vocab').map((entry) => asList(entry, entryName));
  const scores = entries.map((entry) => scoreOf(entry[1]));
  const vocabulary = new Map(entries.map((entry, id) => [asText(entry[0], tokenName), id]));
  const unknown = unknownOf(config['unk_id'], entries.length);
  const unknownScore = scores.reduce((a, b) => Math.min(a, b), Infinity) - UNKNOWN_PENALTY;
  const longest = entries.reduce((length, entry) => Math.max(length, String(entry[0]).length), 1);
  const hasByteFallback = config['byte_fallback'] === true;

  /** Ids and bounds of the best path; unknown characters have id -1. */
  const bestPath = (word: string): { id: number; start: number; end: number }[] => {
    const best = new Float64Array(word.length + 1).fill(-Infinity);
    const from = new Int32Array(word.length + 1);
    const ids = new Int32Array(word.length + 1);
    best[0] = 0;
    const offer = (start: number, end: number, id: number, score: number) => {
      const sum = (best[start] ?? 0) + score;
      if (sum <= (best[end] ?? 0)) return;
      best[end] = sum;
      from[end] = start;
      ids[end] = id;
    };
    for (let start = 0; start < word.length;) {
      const single = start + ((word.codePointAt(start) ?? 0) > 0xffff ? 2 : 1);
      let hasSingle = false;
      for (let end = single; end <= Math.min(word.length, start + longest); end++) {
        const id = vocabulary.get(word.slice(start, end));
        if (id === undefined) continue;
        offer(start, end, id, scores[id] ?? 0);
        hasSingle ||= end === single;
      }
      if (!hasSingle) offer(start, single, -1, unknownScore);
      start = single;
    }
    const path: { id: number; start: number; end: number }[] = [];
    for (let end = word.length; end > 0; end = from[end] ?? 0) {
      path.push({ id: ids[end] ?? 0, start: from[end] ?? 0, end });
    }
    return path.reverse();
  };

  return {
    vocabulary,
    encode: (word): Word => {
      const ids: number[] = [];
      const ranges: number[] = [];
      let unknownStart: number | undefined;
      const flushUnknown = (end: number) => {
        if (unknownStart === undefined) return;
        const start = unknownStart;
        unknownStart = undefined;
        for (const id of spellUnknown(word.slice(start, end))) {
          ids.push(id);
          ranges.push(start, end);
        }
      };
      for (const { id, start, end } of bestPath(word)) {
        if (id < 0 || id === unknown) {
          unknownStart ??= start;
          continue;
        }
        flushUnknown(start);
        ids.push(id);
        ranges.push(start, end);
      }
      flushUnknown(word.length);
      return { ids, ranges };
    },
  };

  /** A run of unknown characters is one unknown token, or the bytes of all of them. */
  function spellUnknown(text: string): number[] {
    if (hasByteFallback) {
      const bytes = [...Buffer.from(text, 'utf8')].map((byte) => vocabulary.get(byteTokenName(byte)));
      if (bytes.every((id) => id !== undefined)) return bytes;
    }
    if (unknown !== undefined) return [unknown];
    throw new KernelError(
      'format/invalid',
      l10n.t('tokenizer.json: {0} has no tokens and unk_id is missing; expected unk_id', JSON.stringify(text)),
    );
  }
}

function scoreOf(value: unknown): number {
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  const message = l10n.t('tokenizer.json: a score of model.vocab is {0}; expected a number', JSON.stringify(value));
  throw new KernelError('format/invalid', message);
}

function unknownOf(value: unknown, size: number): number | undefined {
  if (value === undefined || value === null) return undefined;
  const id = asId(value, 'model.unk_id');
  if (id < size) return id;
  throw new KernelError(
    'format/invalid',
    l10n.t('tokenizer.json: model.unk_id is {0}; expected one of the {1} tokens', id, size),
  );
}
