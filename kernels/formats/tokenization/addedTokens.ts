/** @file Added tokens (`<s>`, `<|im_end|>`): found in the text before anything else is done with it. */
import * as l10n from '@vscode/l10n';
import { AlignedText } from './alignedText';
import { asId, asJson, asList, asText } from './json';
import type { Normalizer } from './normalizer';
import { matchesOf, WHITE_SPACE } from './patterns';

export interface AddedToken {
  readonly id: number;
  readonly content: string;
  /** Only between characters that do not make it a part of a word. */
  readonly isSingleWord: boolean;
  /** Takes the white space before or behind it. */
  readonly stripsLeft: boolean;
  readonly stripsRight: boolean;
  /** Looked for in the normalised text. */
  readonly isNormalized: boolean;
  readonly isSpecial: boolean;
}

/** A stretch of text: either one added token, or text that is still to be tokenised. */
export interface Stretch {
  readonly text: AlignedText;
  readonly token?: AddedToken;
}

export function parseAddedTokens(config: unknown): AddedToken[] {
  return asList(config ?? [], 'added_tokens').map((entry) => {
    const token = asJson(entry, l10n.t('an added token'));
    return {
      id: asId(token['id'], l10n.t('the id of an added token')),
      content: asText(token['content'], 'added_tokens.content'),
      isSingleWord: token['single_word'] === true,
      stripsLeft: token['lstrip'] === true,
      stripsRight: token['rstrip'] === true,
      isNormalized: token['normalized'] === true,
      isSpecial: token['special'] === true,
    };
  });
}

/** Cuts the added tokens out and normalises what is between them; some tokens are only found after that. */
export function addedTokenSplitter(
  tokens: readonly AddedToken[],
  normalize: Normalizer,
): (text: AlignedText) => Stretch[] {
  const plain = finder(new Map(tokens.filter((t) => !t.isNormalized).map((t) => [t.content, t])));
  const normalized = finder(
    new Map(tokens.filter((t) => t.isNormalized).map((t) => [normalizedContent(t, normalize), t])),
  );
  return (text) => plain(text).flatMap((stretch) => (stretch.token ? [stretch] : normalized(normalize(stretch.text))));
}

export function normalizedContent(token: AddedToken, normalize: Normalizer): string {
  return normalize(AlignedText.source(token.content, false)).text;
}

const WORD_CHARACTER = '[\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}]';
const ENDS_IN_WORD = new RegExp(`${WORD_CHARACTER}$`, 'u');
const BEGINS_WITH_WORD = new RegExp(`^${WORD_CHARACTER}`, 'u');
const LEADING_SPACE = new RegExp(`^${WHITE_SPACE}*`, 'u');
const TRAILING_SPACE = new RegExp(`${WHITE_SPACE}*$`, 'u');

/** Finds tokens from left to right, the longest where several begin at the same place. */
function finder(byContent: ReadonlyMap<string, AddedToken>): (text: AlignedText) => Stretch[] {
  const contents = [...byContent.keys()].filter((c) => c !== '').sort((a, b) => b.length - a.length);
  if (contents.length === 0) return (text) => (text.length === 0 ? [] : [{ text }]);
  const pattern = new RegExp(contents.map((c) => c.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')).join('|'), 'gu');
  return (text) => {
    const stretches: Stretch[] = [];
    let done = 0;
    for (const match of matchesOf(text.text, pattern)) {
      const token = byContent.get(text.text.slice(match.start, match.end));
      const before = text.text.slice(0, match.start);
      const after = text.text.slice(match.end);
      if (!token || (token.isSingleWord && (ENDS_IN_WORD.test(before) || BEGINS_WITH_WORD.test(after)))) continue;
      const start = token.stripsLeft ? (TRAILING_SPACE.exec(before)?.index ?? match.start) : match.start;
      const end = match.end + (token.stripsRight ? (LEADING_SPACE.exec(after)?.[0].length ?? 0) : 0);
      // The token before may already have taken the white space.
      const from = Math.max(start, done);
      if (from > done) stretches.push({ text: text.slice(done, from) });
      stretches.push({ text: text.slice(from, end), token });
      done = end;
    }
    if (done < text.length) stretches.push({ text: text.slice(done, text.length) });
    return stretches;
  };
}
