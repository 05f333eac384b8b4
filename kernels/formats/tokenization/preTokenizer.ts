/**
 * @file The pre-tokenisers of tokenizer.json: cutting text into words, between which no token reaches. Written anew and
 * not taken from @huggingface/tokenizers, whose digits are only ASCII, whose white space is JavaScript's, and which has
 * one of the five ways to split.
 */
import * as l10n from '@vscode/l10n';
import { KernelError } from '../../protocol/errors';
import type { AlignedText } from './alignedText';
import { toByteAlphabet } from './byteAlphabet';
import { asJson, builderOf, asList, textOr, type Json } from './json';
import { mapCodePoints, prepend, replace } from './normalizer';
import { compilePattern, escapedPattern, matchesOf, WHITE_SPACE, type Range } from './patterns';

export interface PreTokenizer {
  split(piece: AlignedText): readonly AlignedText[];
  /** The words still have to be read as bytes (in the byte alphabet) by the model. */
  readonly isByteLevel: boolean;
}

/** One step; `isByteLevel` when it ends by turning text into the byte alphabet. */
type Step = PreTokenizer;
type Behavior = 'Removed' | 'Isolated' | 'MergedWithPrevious' | 'MergedWithNext' | 'Contiguous';

const GPT2_WORDS = new RegExp(
  `'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^${WHITE_SPACE}\\p{L}\\p{N}]+|${WHITE_SPACE}+(?!\\P{White_Space})|${WHITE_SPACE}+`,
  'gu',
);
const WORD = '[\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}]';
const PUNCTUATION = '[\\p{P}$+<=>^`|~]';

const BUILDERS: Readonly<Record<string, (config: Json) => Step>> = {
  ByteLevel: (config) => {
    const addsSpace = config['add_prefix_space'] !== false;
    const usesRegex = config['use_regex'] !== false;
    return {
      isByteLevel: true,
      split: (piece) => {
        const text = addsSpace && !piece.text.startsWith(' ') ? prepend(piece, ' ') : piece;
        return usesRegex ? cut(text, GPT2_WORDS, 'Isolated') : [text];
      },
    };
  },
  Split: (config) => {
    const pattern = compilePattern(config['pattern']);
    return splitting(pattern, behaviorOf(config, 'Isolated'), config['invert'] === true);
  },
  Digits: (config) => splitting(/\p{N}/gu, config['individual_digits'] === true ? 'Isolated' : 'Contiguous'),
  BertPreTokenizer: () =>
    sequence([
      splitting(new RegExp(WHITE_SPACE, 'gu'), 'Removed'),
      splitting(new RegExp(PUNCTUATION, 'gu'), 'Isolated'),
    ]),
  Punctuation: (config) => splitting(new RegExp(PUNCTUATION, 'gu'), behaviorOf(config, 'Isolated')),
  Whitespace: () => splitting(new RegExp(`${WORD}+|(?:(?!${WORD})\\P{White_Space})+`, 'gu'), 'Removed', true),
  WhitespaceSplit: () => splitting(new RegExp(WHITE_SPACE, 'gu'), 'Removed'),
  Metaspace: (config) => {
    const mark = textOr(config['replacement'], '▁');
    const oldStyle = config['add_prefix_space'] === false ? 'never' : 'always';
    const scheme = textOr(config['prepend_scheme'], oldStyle);
    const pattern = new RegExp(escapedPattern(mark), 'gu');
    return {
      isByteLevel: false,
      split: (piece) => {
        let text = replace(piece, / /gu, mark);
        const isWanted = scheme === 'always' || (scheme === 'first' && piece.isAtStart);
        if (isWanted && !text.text.startsWith(mark)) text = prepend(text, mark);
        return config['split'] === false ? [text] : cut(text, pattern, 'MergedWithNext');
      },
    };
  },
  Sequence: (config) => sequence(asList(config['pretokenizers'], 'pre_tokenizer.pretokenizers').map(buildPreTokenizer)),
};

/** Throws `format/invalid` for a type that cannot be reproduced exactly. */
export function buildPreTokenizer(config: unknown): PreTokenizer {
  if (config === null || config === undefined) return { isByteLevel: false, split: (piece) => [piece] };
  const json = asJson(config, 'pre_tokenizer');
  return builderOf(BUILDERS, 'pre_tokenizer', json['type'])(json);
}

function sequence(steps: readonly Step[]): Step {
  return {
    isByteLevel: steps.at(-1)?.isByteLevel ?? false,
    split: (piece) => {
      let pieces: readonly AlignedText[] = [piece];
      steps.forEach((step, i) => {
        pieces = pieces.flatMap((p) => step.split(p)).filter((p) => p.length > 0);
        // Later steps look at the byte alphabet; the last step leaves it to the model, which is faster.
        const isLast = i === steps.length - 1;
        if (step.isByteLevel && !isLast) pieces = pieces.map((p) => mapCodePoints(p, toByteAlphabet));
      });
      return pieces;
    },
  };
}

function splitting(pattern: RegExp, behavior: Behavior, invert = false): Step {
  return { isByteLevel: false, split: (piece) => cut(piece, pattern, behavior, invert) };
}

const BEHAVIORS = ['Removed', 'Isolated', 'MergedWithPrevious', 'MergedWithNext', 'Contiguous'] as const;

function behaviorOf(config: Json, otherwise: Behavior): Behavior {
  const name = textOr(config['behavior'], otherwise);
  const behavior = BEHAVIORS.find((b) => b.toLowerCase() === name.toLowerCase());
  if (behavior) return behavior;
  throw new KernelError(
    'format/invalid',
    l10n.t('tokenizer.json: split behaviour {0} is not one of {1}', name, BEHAVIORS.join(', ')),
  );
}

interface Stretch extends Range {
  readonly isMatch: boolean;
}

/** Cuts at the matches of a pattern (`invert`: at what lies between them); empty pieces are left out. */
function cut(piece: AlignedText, pattern: RegExp, behavior: Behavior, invert = false): AlignedText[] {
  const stretches = allStretches(piece.text, matchesOf(piece.text, pattern), invert);
  return merge(stretches, behavior).map(({ start, end }) => piece.slice(start, end));
}

function allStretches(text: string, matches: readonly Range[], invert: boolean): Stretch[] {
  const stretches: Stretch[] = [];
  let done = 0;
  for (const { start, end } of matches) {
    if (start > done) stretches.push({ start: done, end: start, isMatch: invert });
    stretches.push({ start, end, isMatch: !invert });
    done = end;
  }
  if (done < text.length) stretches.push({ start: done, end: text.length, isMatch: invert });
  return stretches;
}

function merge(stretches: readonly Stretch[], behavior: Behavior): readonly Range[] {
  switch (behavior) {
    case 'Removed':
      return stretches.filter((s) => !s.isMatch);
    case 'Isolated':
      return stretches;
    case 'Contiguous':
      return joinWhere(stretches, (a, b) => a.isMatch === b.isMatch);
    case 'MergedWithPrevious':
      return joinWhere(stretches, (a, b) => b.isMatch && !a.isMatch);
    case 'MergedWithNext':
      return joinWhere(stretches, (a, b) => a.isMatch && !b.isMatch);
  }
}

/** Joins neighbours for which `belongs` holds; it looks at the last stretch that was joined, as the original does. */
function joinWhere(stretches: readonly Stretch[], belongs: (a: Stretch, b: Stretch) => boolean): Range[] {
  const joined: Range[] = [];
  stretches.forEach((stretch, i) => {
    const before = stretches[i - 1];
    const last = joined.at(-1);
    if (before && last && belongs(before, stretch)) joined[joined.length - 1] = { start: last.start, end: stretch.end };
    else joined.push({ start: stretch.start, end: stretch.end });
  });
  return joined;
}
