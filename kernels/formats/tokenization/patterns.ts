/** @file Patterns of tokenizer.json (`{"String": …}` or `{"Regex": …}`) as JavaScript regular expressions. */
import * as l10n from '@vscode/l10n';
import { SplitPreTokenizer } from '@huggingface/tokenizers';
import { KernelError } from '../../protocol/errors';
import { asJson } from './json';

/** White space as Rust and Oniguruma know it: JavaScript's \s has U+FEFF in addition and lacks U+0085. */
export const WHITE_SPACE = '\\p{White_Space}';

export interface Range {
  readonly start: number;
  readonly end: number;
}

/** The pattern as a global, Unicode-aware expression; Oniguruma's syntax is translated by @huggingface/tokenizers. */
export function compilePattern(config: unknown): RegExp {
  const pattern = asJson(config, l10n.t('a pattern'));
  const literal = pattern['String'];
  if (typeof literal === 'string') return new RegExp(escapedPattern(literal), 'gu');
  const regex = pattern['Regex'];
  if (typeof regex !== 'string') {
    throw new KernelError(
      'format/invalid',
      l10n.t('tokenizer.json: a pattern has neither String nor Regex; expected one of them'),
    );
  }
  try {
    const translated = new SplitPreTokenizer({
      type: 'Split',
      pattern: { Regex: regex },
      behavior: 'Isolated',
      invert: false,
    }).pattern;
    if (translated) return translated;
  } catch (cause) {
    const message = l10n.t('tokenizer.json: the regular expression {0} cannot be read; {1}', regex, String(cause));
    throw new KernelError('format/invalid', message, { cause });
  }
  throw new KernelError(
    'format/invalid',
    l10n.t('tokenizer.json: the regular expression {0} cannot be read; expected one that JavaScript knows', regex),
  );
}

/** A pattern that matches just this text. */
export const escapedPattern = (text: string): string => text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');

/** All non-empty matches in order. */
export function matchesOf(text: string, pattern: RegExp): Range[] {
  const matches: Range[] = [];
  pattern.lastIndex = 0;
  for (let match = pattern.exec(text); match; match = pattern.exec(text)) {
    const end = match.index + match[0].length;
    if (match[0].length > 0) matches.push({ start: match.index, end });
    else pattern.lastIndex = end + (isHighSurrogate(text, end) ? 2 : 1);
  }
  return matches;
}

function isHighSurrogate(text: string, at: number): boolean {
  return (text.codePointAt(at) ?? 0) > 0xffff;
}
