/** @file A sample as training reads it, token by token, for people: each token's part of the text, its loss, what is odd. */
import { byteOf } from '../formats/tokenization/byteAlphabet';
import type { CheckpointTokenizer } from '../formats/tokenizer';
import type { SampleToken, SampleTokens } from '../protocol/calls/tokens';
import { KernelError } from '../protocol/errors';
import { cutTokens, placeTokens } from './encodeSample';
import type { Pieces } from './pieces';
import { sampleWarnings, type SampleContext } from './sampleWarnings';
import type { Sample } from './samples';

/** Where the text of a sample is from is known to the caller. */
export type ExplainedSample = Omit<SampleTokens, 'sample' | 'file' | 'line' | 'format'>;

/** Characters of the cut-off text that are shown. */
const MOST_REST = 2000;

export function explainSample(sample: Sample, source: Pieces, context: SampleContext): ExplainedSample {
  const { tokenizer, maxLength } = context;
  const placed = placeTokens(source, tokenizer);
  const { ids, supervised, wasCut, kept } = cutTokens(placed, maxLength);
  // Of a labelled sample texts are cut and special tokens stay; of others what is behind the cut is gone.
  const { parts, rest } = kept
    ? textsOfWhole(source, kept, tokenizer)
    : restBehind(tokenTexts(source, placed.added, tokenizer), ids.length, placed.ids.length);
  const tokens = Array.from(ids, (id, t): SampleToken => {
    const { text, bytes } = parts[t] ?? { text: '' };
    const role = roleOf(id, t, placed.added.start, tokenizer);
    return {
      id,
      text,
      token: tokenizer.idToToken(id) ?? '',
      loss: placed.loss[t] === 1,
      special: tokenizer.isSpecial(id),
      ...(role && { role }),
      ...(bytes !== undefined && { bytes }),
    };
  });
  return {
    text: joined(parts) + (kept ? '' : rest),
    tokens,
    ...(source.label !== undefined && { label: String(source.label) }),
    cut: wasCut ? { at: ids.length, total: placed.ids.length, rest: rest.slice(0, MOST_REST) } : null,
    warnings: sampleWarnings(sample, source, placed, context),
    counts: {
      tokens: tokens.length,
      loss: supervised,
      special: tokens.filter((t) => t.special).length,
      total: placed.ids.length,
    },
  };
}

/** Texts of the tokens that are left, and the text of the others. */
interface CutTexts {
  readonly parts: readonly TokenText[];
  readonly rest: string;
}

function restBehind(all: readonly TokenText[], left: number, total: number): CutTexts {
  if (all.length !== total) throw new KernelError('internal', `${total} tokens have ${all.length} texts`);
  return { parts: all.slice(0, left), rest: joined(all.slice(left)) };
}

function roleOf(id: number, at: number, addedStart: number, tokenizer: CheckpointTokenizer): SampleToken['role'] {
  if (at < addedStart) return 'start';
  // One token may be both, as in GPT-2: what was not added in front ends something.
  if (tokenizer.stopIds.has(id)) return 'end';
  return id === tokenizer.bosId ? 'start' : undefined;
}

interface TokenText {
  readonly text: string;
  readonly bytes?: string;
  /** The characters it shares with the tokens before it are theirs; what is its own, for the joined text. */
  readonly own: string;
}

const joined = (parts: readonly TokenText[]): string => parts.map(({ own }) => own).join('');

function tokenTexts(
  source: Pieces,
  added: { readonly start: number; readonly end: number },
  tokenizer: CheckpointTokenizer,
): TokenText[] {
  const whole = (id: number): TokenText => {
    const text = tokenizer.decode([id]);
    return { text, own: text };
  };
  const starts = tokenizer.startIds.slice(0, added.start).map(whole);
  const ends = added.end > 0 && tokenizer.eosId !== undefined ? [whole(tokenizer.eosId)] : [];
  return [...starts, ...source.pieces.flatMap(({ text }) => textsOfPiece(text, tokenizer)), ...ends];
}

/** The special tokens of the post-processor stand between and around the texts. */
function textsOfWhole({ pieces }: Pieces, kept: readonly number[], tokenizer: CheckpointTokenizer): CutTexts {
  const texts = pieces.map(({ text }) => textsOfPiece(text, tokenizer));
  const places = texts.map((own, i) => Array.from(own.slice(0, kept[i]).keys()));
  const { ids, parts } = tokenizer.place(places[0] ?? [], places[1]);
  const left = ids.map((at, i): TokenText => {
    const part = texts[parts[i] ?? -1];
    const text = part ? '' : tokenizer.decode([at]);
    return part?.[at] ?? { text, own: text };
  });
  return { parts: left, rest: texts.map((own, i) => joined(own.slice(kept[i]))).join('\n') };
}

/**
 * A token's part of the text is where it begins up to where it ends. What stands between two tokens (a normaliser or
 * post-processor left it out of the offsets, white space mostly) goes to the latter; tokens that share a character hold bytes of it.
 */
function textsOfPiece(text: string, tokenizer: CheckpointTokenizer): TokenText[] {
  const { ids, offsets } = tokenizer.encodeWithOffsets(text, { addSpecialTokens: false });
  const characters = [...text];
  let done = 0;
  return ids.map((id, i): TokenText => {
    const [start, end] = offsets[i] ?? [done, done];
    const isLast = i === ids.length - 1;
    const sharesBefore = start < done && end > start;
    const sharesAfter = (offsets[i + 1]?.[0] ?? end) < end;
    const until = isLast ? characters.length : Math.max(done, end);
    const own = characters.slice(Math.min(done, until), until).join('');
    done = until;
    const bytes = sharesBefore || sharesAfter ? bytesOf(tokenizer.idToToken(id) ?? '') : undefined;
    if (!bytes) return { text: own, own };
    return {
      text: bytes.toString('utf8'),
      own,
      bytes: [...bytes].map((b) => b.toString(16).padStart(2, '0')).join(' '),
    };
  });
}

/** The bytes a token of a byte-level vocabulary, or of a byte fallback (`<0xE2>`), stands for. */
function bytesOf(token: string): Buffer | undefined {
  const single = /^<0x([0-9A-Fa-f]{2})>$/.exec(token)?.[1];
  if (single !== undefined) return Buffer.from(single, 'hex');
  const bytes = [...token].map(byteOf);
  return bytes.every((b) => b !== undefined) ? Buffer.from(bytes) : undefined;
}
