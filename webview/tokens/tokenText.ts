/** @file A token's text so that everything in it can be seen and said: white space, control characters, parts of characters. */
import * as l10n from '@vscode/l10n';
import type { SampleToken } from '../../kernels/protocol/calls/tokens';

export interface TextPart {
  readonly text: string;
  /** A sign for what has no look of its own. */
  readonly isSign: boolean;
}

const SIGNS: Readonly<Record<string, string>> = { ' ': '·', '\n': '↵', '\r': '␍', '\t': '⇥', '\u00a0': '⍽' };

export function visibleParts({ text, token, bytes }: SampleToken): readonly TextPart[] {
  if (bytes !== undefined) return merged(bytes.split(' ').map(partOfByte), ' ');
  if (text === '') return [{ text: token, isSign: true }];
  return merged(Array.from(text, partOfCharacter));
}

function partOfCharacter(character: string): TextPart {
  const code = character.codePointAt(0) ?? 0;
  const sign = SIGNS[character];
  if (sign !== undefined) return { text: sign, isSign: true };
  if (code < 0x20) return { text: String.fromCodePoint(0x2400 + code), isSign: true };
  // Format characters, marks of direction and private use have no look, or change that of others.
  if (/^[\p{C}\p{Zl}\p{Zp}]$/u.test(character))
    return { text: `U+${code.toString(16).toUpperCase().padStart(4, '0')}`, isSign: true };
  return { text: character, isSign: false };
}

function partOfByte(hex: string): TextPart {
  const byte = parseInt(hex, 16);
  return byte < 0x80 ? partOfCharacter(String.fromCharCode(byte)) : { text: hex.toUpperCase(), isSign: true };
}

/** Neighbours of a kind as one; `between` stands between signs. */
function merged(parts: readonly TextPart[], between = ''): readonly TextPart[] {
  const result: TextPart[] = [];
  for (const part of parts) {
    const last = result.at(-1);
    const gap = part.isSign ? between : '';
    if (last?.isSign === part.isSign) result[result.length - 1] = { ...part, text: last.text + gap + part.text };
    else result.push(part);
  }
  return result;
}

/** What a screen reader says, and the line under the tokens shows. `isLearnt`: tokens are, not the label of the whole text. */
export function describeToken(token: SampleToken, at: number, count: number, isLearnt = true): string {
  const { text, bytes, id, loss, special, role } = token;
  const shown = visibleParts(token)
    .map((part) => part.text)
    .join('');
  // Signs are for the eye; a person who listens hears the text, and what stands around it as words.
  const spoken = /[^\s\p{C}]/u.test(text) ? text.trim() : shown;
  const name = bytes === undefined ? spoken : l10n.t('bytes {0}', bytes);
  const facts = [
    l10n.t('token {0} of {1}', at + 1, count),
    l10n.t('id {0}', id),
    ...(isLearnt ? [loss && at > 0 ? l10n.t('carries loss') : l10n.t('no loss')] : []),
    ...(loss && at === 0 ? [l10n.t('nothing stands before it from which it could be predicted')] : []),
    ...(special ? [l10n.t('special')] : []),
    ...(spoken !== shown && /^\s/.test(text) ? [l10n.t('after white space')] : []),
    ...(spoken !== shown && text.includes('\n') ? [l10n.t('with a line end')] : []),
    ...(role === 'start' ? [l10n.t('start')] : role === 'end' ? [l10n.t('end')] : []),
    ...(token.token === text ? [] : [l10n.t('in the vocabulary {0}', token.token)]),
  ];
  return l10n.t('{0}: {1}', name, facts.join(', '));
}
