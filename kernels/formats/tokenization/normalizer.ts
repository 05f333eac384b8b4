/** @file The normalisers of tokenizer.json, keeping track of where each character came from. */
import { codePointEnd, codePointStart, type AlignedText } from './alignedText';
import { asJson, builderOf, asList, asText, type Json } from './json';
import { compilePattern, matchesOf, WHITE_SPACE } from './patterns';

export type Normalizer = (text: AlignedText) => AlignedText;
type Form = 'NFC' | 'NFD' | 'NFKC' | 'NFKD';

const BUILDERS: Readonly<Record<string, (config: Json) => Normalizer>> = {
  NFC: () => (text) => unicode(text, 'NFC'),
  NFD: () => (text) => unicode(text, 'NFD'),
  NFKC: () => (text) => unicode(text, 'NFKC'),
  NFKD: () => (text) => unicode(text, 'NFKD'),
  Sequence: (config) => {
    const all = asList(config['normalizers'], 'normalizer.normalizers').map(buildNormalizer);
    return (text) => all.reduce((t, normalize) => normalize(t), text);
  },
  Prepend: (config) => {
    const prefix = asText(config['prepend'], 'normalizer.prepend');
    return (text) => (text.length === 0 ? text : prepend(text, prefix));
  },
  Replace: (config) => {
    const pattern = compilePattern(config['pattern']);
    const content = asText(config['content'], 'normalizer.content');
    return (text) => replace(text, pattern, content);
  },
  Strip: (config) => {
    const left = config['strip_left'] === true ? new RegExp(`^${WHITE_SPACE}+`, 'u') : undefined;
    const right = config['strip_right'] === true ? new RegExp(`${WHITE_SPACE}+$`, 'u') : undefined;
    return (text) => {
      const start = left?.exec(text.text)?.[0].length ?? 0;
      const end = right?.exec(text.text)?.index ?? text.length;
      return text.slice(Math.min(start, text.length), Math.max(start, end));
    };
  },
  // Character by character, as Rust's char::to_lowercase: no rule for a sigma at the end of a word.
  Lowercase: () => lowercased,
  BertNormalizer: (config) => {
    const isLower = config['lowercase'] !== false;
    const stripsAccents = typeof config['strip_accents'] === 'boolean' ? config['strip_accents'] : isLower;
    const steps: Normalizer[] = [
      ...(config['clean_text'] === false ? [] : [cleanText]),
      ...(config['handle_chinese_chars'] === false ? [] : [spacedIdeographs]),
      ...(stripsAccents ? [withoutAccents] : []),
      ...(isLower ? [lowercased] : []),
    ];
    return (text) => steps.reduce((t, step) => step(t), text);
  },
  StripAccents: () => (text) => mapCodePoints(text, (c) => (/^\p{M}$/u.test(c) ? '' : c)),
};

const lowercased: Normalizer = (text) => mapCodePoints(text, (c) => c.toLowerCase());

/** Control characters go, white space of every kind becomes a space. */
const cleanText: Normalizer = (text) =>
  mapCodePoints(text, (c) => {
    if (/^[\t\n\r\p{White_Space}]$/u.test(c)) return ' ';
    return /^[\0\ufffd\p{Cc}\p{Cf}\p{Co}]$/u.test(c) ? '' : c;
  });

/** The blocks that BERT calls Chinese: each character is a word of its own. */
const IDEOGRAPH =
  /^[\u4e00-\u9fff\u3400-\u4dbf\u{20000}-\u{2a6df}\u{2a700}-\u{2b73f}\u{2b740}-\u{2b81f}\u{2b920}-\u{2ceaf}\uf900-\ufaff\u{2f800}-\u{2fa1f}]$/u;
const spacedIdeographs: Normalizer = (text) => mapCodePoints(text, (c) => (IDEOGRAPH.test(c) ? ` ${c} ` : c));

const withoutAccents: Normalizer = (text) => mapCodePoints(unicode(text, 'NFD'), (c) => (/^\p{Mn}$/u.test(c) ? '' : c));

/** Throws `format/invalid` for a type that cannot be reproduced exactly, rather than tokenise differently. */
export function buildNormalizer(config: unknown): Normalizer {
  if (config === null || config === undefined) return (text) => text;
  const json = asJson(config, 'normalizer');
  return builderOf(BUILDERS, 'normalizer', json['type'])(json);
}

/** New text before the first character counts as a part of that character. */
export function prepend(text: AlignedText, prefix: string): AlignedText {
  const editor = text.edit();
  editor.put(prefix, 0, codePointEnd(text.text, 0));
  editor.keep(0, text.length);
  return editor.done();
}

/** What replaces a match counts as its last character. */
export function replace(text: AlignedText, pattern: RegExp, content: string): AlignedText {
  const matches = matchesOf(text.text, pattern);
  if (matches.length === 0) return text;
  const editor = text.edit();
  let done = 0;
  for (const { start, end } of matches) {
    editor.keep(done, start);
    editor.put(content, codePointStart(text.text, end), end);
    done = end;
  }
  editor.keep(done, text.length);
  return editor.done();
}

export function mapCodePoints(text: AlignedText, change: (character: string) => string): AlignedText {
  const editor = text.edit();
  for (let start = 0; start < text.length;) {
    const end = codePointEnd(text.text, start);
    editor.put(change(text.text.slice(start, end)), start, end);
    start = end;
  }
  return editor.done();
}

/** A character and what may combine with it: marks, and the vowels and finals of Hangul. */
const CLUSTER =
  /[^\p{M}\u1160-\u11ff\ud7b0-\ud7ff][\p{M}\u1160-\u11ff\ud7b0-\ud7ff]*|[\p{M}\u1160-\u11ff\ud7b0-\ud7ff]+/gu;

/**
 * Unicode normalisation. A composed character counts as the first of its parts, as in the original; where marks change
 * their order, the offsets of the marks among themselves may differ from it.
 */
function unicode(text: AlignedText, form: Form): AlignedText {
  const normalized = text.text.normalize(form);
  if (normalized === text.text) return text;
  const editor = text.edit();
  if (!text.isTracked) {
    editor.put(normalized, 0, text.length);
    return editor.done();
  }
  for (const { start, end } of matchesOf(text.text, CLUSTER)) {
    const cluster = text.text.slice(start, end);
    const before = [...cluster];
    const after = [...cluster.normalize(form)];
    const sources = sourcesOf(before, after.length, form);
    after.forEach((character, i) => {
      const from = sources[i] ?? 0;
      const at = start + before.slice(0, from).join('').length;
      editor.put(character, at, at + (before[from]?.length ?? 1));
    });
  }
  return editor.done();
}

/** For each of `count` characters after normalisation, which character before it stands for. */
function sourcesOf(before: readonly string[], count: number, form: Form): number[] {
  const alone = before.flatMap((character, i) => [...character.normalize(form)].map(() => i));
  if (alone.length === count) return alone;
  // Something was composed: the first character keeps its place, and the marks that remain are the last ones.
  const last = before.length - 1;
  return Array.from({ length: count }, (_, i) => (i === 0 ? 0 : Math.min(last, Math.max(i, last + 1 - count + i))));
}
