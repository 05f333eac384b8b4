/** @file From pieces of text to token ids and the loss of each token. */
import * as l10n from '@vscode/l10n';
import type { CheckpointTokenizer } from '../formats/tokenizer';
import { KernelError } from '../protocol/errors';
import type { TokenSample } from './batches';
import type { Piece, Pieces } from './pieces';

export interface EncodedSample extends TokenSample {
  /** Tokens that carry loss and have a token before them, from which they are predicted. */
  readonly supervised: number;
  /** Whether it was longer than `maxLength`. */
  readonly wasCut: boolean;
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
}

export function placeTokens(source: Pieces, tokenizer: CheckpointTokenizer): PlacedTokens {
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

/** Token ids of a sample, cut on the right at `maxLength`. */
export function encodeSample(source: Pieces, tokenizer: CheckpointTokenizer, maxLength: number): EncodedSample {
  return cutTokens(placeTokens(source, tokenizer), maxLength);
}

/** What is left of the tokens within `maxLength`. */
export function cutTokens({ ids, loss }: PlacedTokens, maxLength: number): EncodedSample {
  const length = Math.min(ids.length, maxLength);
  const lossMask = Uint8Array.from(loss.slice(0, length));
  let supervised = 0;
  for (let t = 1; t < length; t++) supervised += lossMask[t] ?? 0;
  return { ids: Int32Array.from(ids.slice(0, length)), lossMask, supervised, wasCut: ids.length > maxLength };
}

/** The same sample as text, not cut: what is learnt and what is not. */
export function renderSample(source: Pieces, tokenizer: CheckpointTokenizer): RenderedPiece[] {
  const rendered: RenderedPiece[] = [];
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
