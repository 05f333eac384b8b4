/** @file From pieces of text to token ids and the loss of each token. */
import * as l10n from '@vscode/l10n';
import type { CheckpointTokenizer } from '../formats/tokenizer';
import { KernelError } from '../protocol/errors';
import type { TokenSample } from './batches';
import type { Piece, Pieces } from './pieces';

export interface EncodedSample extends TokenSample {
  /** Tokens that carry loss and have a token before them, from which they are predicted; 1: the label of a whole text. */
  readonly supervised: number;
  /** Whether it was longer than `maxLength`. */
  readonly wasCut: boolean;
  /** Of a labelled sample: tokens that are left of each of its texts. */
  readonly kept?: readonly number[];
}

/** A stretch of a sample's text as a person should see it: the special tokens that are added are stretches of their own. */
export interface RenderedPiece {
  readonly text: string;
  readonly carriesLoss: boolean;
}

/** All tokens of a sample, before it is cut. Training and everything that shows what training sees begin here. */
export interface PlacedTokens {
  readonly ids: readonly number[];
  /** 1 where the token, as the one to be predicted, carries loss. */
  readonly loss: readonly number[];
  /** How many tokens the start and the end added: they belong to no piece. */
  readonly added: { readonly start: number; readonly end: number };
  /** Tokens of each piece, in order. */
  readonly pieceLengths: readonly number[];
  /** Of a labelled sample: its texts as tokens, and how they are put together. */
  readonly whole?: { readonly texts: readonly (readonly number[])[]; readonly tokenizer: CheckpointTokenizer };
}

export function placeTokens(source: Pieces, tokenizer: CheckpointTokenizer): PlacedTokens {
  if (source.label !== undefined) return placeWhole(source, tokenizer);
  const ids: number[] = [];
  const loss: number[] = [];
  const pieceLengths: number[] = [];
  for (const piece of source.pieces) {
    const own = tokenizer.encode(piece.text);
    const learnt = piece.carriesLoss ? learntTokens(own, piece, tokenizer) : 0;
    for (const [i, id] of own.entries()) {
      ids.push(id);
      loss.push(i < learnt ? 1 : 0);
    }
    pieceLengths.push(own.length);
  }
  const added = { start: 0, end: 0 };
  if (source.addsStartAndEnd) {
    const start = missingStart(ids, tokenizer);
    ids.unshift(...start);
    loss.unshift(...start.map(() => 0));
    const end = missingEnd(ids, tokenizer);
    ids.push(...end);
    loss.push(...end.map(() => 1));
    Object.assign(added, { start: start.length, end: end.length });
  }
  return { ids, loss, added, pieceLengths };
}

/** A text or a pair of them, with the special tokens around. No single token carries loss: the sample does. */
function placeWhole({ pieces }: Pieces, tokenizer: CheckpointTokenizer): PlacedTokens {
  const texts = pieces.map(({ text }) => tokenizer.encode(text));
  const { ids, parts } = tokenizer.place(texts[0] ?? [], texts[1]);
  const first = parts.findIndex((part) => part >= 0);
  const last = parts.findLastIndex((part) => part >= 0);
  return {
    ids,
    loss: ids.map(() => 0),
    added: { start: first < 0 ? ids.length : first, end: first < 0 ? 0 : ids.length - 1 - last },
    pieceLengths: texts.map((text) => text.length),
    whole: { texts, tokenizer },
  };
}

/** What is left of a labelled sample within `maxLength`: its special tokens stay, the ends of its texts go. */
function cutWhole(
  { ids: all, whole }: PlacedTokens & Required<Pick<PlacedTokens, 'whole'>>,
  maxLength: number,
): EncodedSample {
  const { texts, tokenizer } = whole;
  const added = all.length - texts.reduce((sum, text) => sum + text.length, 0);
  const lengths = longestFirst(
    texts.map((text) => text.length),
    Math.max(0, maxLength - added),
  );
  const [first = [], second] = texts.map((tokens, i) => tokens.slice(0, lengths[i]));
  const { ids, typeIds } = tokenizer.place(first, second);
  return {
    ids: Int32Array.from(ids),
    lossMask: new Uint8Array(ids.length),
    tokenTypes: Uint8Array.from(typeIds),
    // Special tokens alone say nothing about their label.
    supervised: ids.length <= maxLength && lengths.some((n) => n > 0) ? 1 : 0,
    wasCut: all.length > maxLength,
    kept: lengths,
  };
}

/** Lengths of one or two texts cut to `room` tokens, the longer one first (tokenizers, truncate_encodings, LongestFirst). */
function longestFirst([first = 0, second]: readonly number[], room: number): readonly number[] {
  if (second === undefined) return [Math.min(first, room)];
  if (first + second <= room) return [first, second];
  const short = Math.min(first, second);
  const half = Math.floor(room / 2);
  const [a, b] = 2 * short <= room ? [short, room - short] : [half, room - half];
  return first > second ? [b, a] : [a, b];
}

/** Token ids of a sample, cut on the right at `maxLength`. */
export function encodeSample(source: Pieces, tokenizer: CheckpointTokenizer, maxLength: number): EncodedSample {
  return cutTokens(placeTokens(source, tokenizer), maxLength);
}

/** What is left of the tokens within `maxLength`. */
export function cutTokens(placed: PlacedTokens, maxLength: number): EncodedSample {
  const { ids, loss, whole } = placed;
  if (whole) return cutWhole({ ...placed, whole }, maxLength);
  const length = Math.min(ids.length, maxLength);
  const lossMask = Uint8Array.from(loss.slice(0, length));
  let supervised = 0;
  for (let t = 1; t < length; t++) supervised += lossMask[t] ?? 0;
  return { ids: Int32Array.from(ids.slice(0, length)), lossMask, supervised, wasCut: ids.length > maxLength };
}

/** The same sample as text, not cut: what is learnt and what is not. */
export function renderSample(source: Pieces, tokenizer: CheckpointTokenizer): RenderedPiece[] {
  const rendered: RenderedPiece[] = [];
  if (source.label !== undefined) {
    return [...source.pieces, { text: String(source.label), carriesLoss: true }].filter(({ text }) => text !== '');
  }
  const add = (text: string, carriesLoss: boolean) => {
    if (text !== '') rendered.push({ text, carriesLoss });
  };
  const all = source.pieces.flatMap((p) => tokenizer.encode(p.text));
  if (source.addsStartAndEnd) add(tokenizer.decode(missingStart(all, tokenizer)), false);
  for (const piece of source.pieces) {
    if (!piece.carriesLoss || !piece.endsTurn) {
      add(piece.text, piece.carriesLoss);
      continue;
    }
    const { ids, offsets } = tokenizer.encodeWithOffsets(piece.text, { addSpecialTokens: false });
    const learnt = learntTokens(ids, piece, tokenizer);
    const characters = [...piece.text];
    const end = learnt === ids.length ? characters.length : (offsets[learnt - 1]?.[1] ?? 0);
    add(characters.slice(0, end).join(''), true);
    add(characters.slice(end).join(''), false);
  }
  if (source.addsStartAndEnd) add(tokenizer.decode(missingEnd(all, tokenizer)), true);
  return rendered;
}

/**
 * How many tokens of a piece are learnt. The end of a turn is the last token that ends generation, or a special token
 * with nothing but white space behind it (the turn ends of a chat format that the base model's own end token is not
 * part of). A template without one is learnt whole.
 */
function learntTokens(ids: readonly number[], { endsTurn }: Piece, tokenizer: CheckpointTokenizer): number {
  if (!endsTurn) return ids.length;
  const lastStop = ids.findLastIndex((id) => tokenizer.stopIds.has(id));
  const lastSpecial = ids.findLastIndex((id) => tokenizer.isSpecial(id));
  const isAtEnd = lastSpecial > lastStop && tokenizer.decode(ids.slice(lastSpecial + 1)).trim() === '';
  const end = isAtEnd ? lastSpecial : lastStop;
  return end < 0 ? ids.length : end + 1;
}

/** The start token, where the post-processor adds one and the text does not begin with it. */
function missingStart(ids: readonly number[], { startIds }: CheckpointTokenizer): readonly number[] {
  return startIds.every((id, i) => ids[i] === id) ? [] : startIds;
}

/** The end token, unless the text ends with it. */
function missingEnd(ids: readonly number[], { eosId }: CheckpointTokenizer): readonly number[] {
  if (eosId === undefined) {
    const message = l10n.t(
      'the tokenizer names no end token; expected eos_token in tokenizer_config.json of the base model',
    );
    throw new KernelError('input/refused', message);
  }
  return ids.at(-1) === eosId ? [] : [eosId];
}
