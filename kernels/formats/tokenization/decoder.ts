/**
 * @file The decoders of tokenizer.json: from tokens back to text. Bytes that are no UTF-8 become U+FFFD in the same
 * number as in the original.
 */
import { byteOf } from './byteAlphabet';
import { asJson, builderOf, asList, asText, textOr, type Json } from './json';
import { compilePattern } from './patterns';

export type Decoder = (tokens: readonly string[]) => readonly string[];

const BUILDERS: Readonly<Record<string, (config: Json) => Decoder>> = {
  ByteLevel: () => (tokens) => {
    const bytes: number[] = [];
    for (const token of tokens) {
      const own = [...token].map(byteOf);
      // An added token such as <|x|> may have characters outside the alphabet and then stands for itself.
      bytes.push(...(own.every((b) => b !== undefined) ? own : Buffer.from(token, 'utf8')));
    }
    return [utf8(bytes)];
  },
  Metaspace: (config) => {
    const mark = textOr(config['replacement'], '▁');
    const isPrepended = textOr(config['prepend_scheme'], 'always') !== 'never';
    return (tokens) => tokens.map((t, i) => t.replaceAll(mark, i === 0 && isPrepended ? '' : ' '));
  },
  ByteFallback: () => byteFallback,
  Fuse: () => (tokens) => [tokens.join('')],
  Replace: (config) => {
    const pattern = compilePattern(config['pattern']);
    const content = asText(config['content'], 'decoder.content');
    return (tokens) => tokens.map((t) => t.replace(pattern, () => content));
  },
  Strip: (config) => {
    const content = asText(config['content'], 'decoder.content');
    const [start, stop] = [Number(config['start'] ?? 0), Number(config['stop'] ?? 0)];
    return (tokens) => tokens.map((t) => strip([...t], content, start, stop));
  },
  WordPiece: (config) => {
    const prefix = textOr(config['prefix'], '##');
    const tidy = config['cleanup'] === false ? (text: string): string => text : withoutSpaces;
    return (tokens) =>
      tokens.map((t, i) => {
        if (i === 0) return tidy(t);
        return tidy(t.startsWith(prefix) ? t.slice(prefix.length) : ` ${t}`);
      });
  },
  BPEDecoder: (config) => {
    const suffix = textOr(config['suffix'], '</w>');
    return (tokens) => tokens.map((t, i) => t.replaceAll(suffix, i === tokens.length - 1 ? '' : ' '));
  },
  Sequence: (config) => {
    const all = asList(config['decoders'], 'decoder.decoders').map((d) => buildDecoder(d));
    return (tokens) => all.reduce((t, decode) => decode?.(t) ?? t, tokens);
  },
};

/** Undefined when the file has none: tokens are then joined by spaces. */
export function buildDecoder(config: unknown): Decoder | undefined {
  if (config === null || config === undefined) return undefined;
  const json = asJson(config, 'decoder');
  return builderOf(BUILDERS, 'decoder', json['type'])(json);
}

/** What the original takes for a space that was not in the text. */
const SPACES: readonly (readonly [string, string])[] = [
  ...['.', '?', '!', ','].map((mark) => [` ${mark}`, mark] as const),
  [" ' ", "'"],
  [" n't", "n't"],
  [" 'm", "'m"],
  [' do not', " don't"],
  [" 's", "'s"],
  [" 've", "'ve"],
  [" 're", "'re"],
];

const withoutSpaces = (text: string): string =>
  SPACES.reduce((result, [written, meant]) => result.replaceAll(written, meant), text);

function utf8(bytes: readonly number[]): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(Uint8Array.from(bytes));
}

/** Runs of byte tokens (`<0xE2>`) become their text; when they are no UTF-8, each byte becomes U+FFFD. */
function byteFallback(tokens: readonly string[]): string[] {
  const result: string[] = [];
  let bytes: number[] = [];
  const flush = () => {
    if (bytes.length === 0) return;
    const text = utf8(bytes);
    const isValid = Buffer.from(text, 'utf8').equals(Uint8Array.from(bytes));
    result.push(...(isValid ? [text] : bytes.map(() => '\ufffd')));
    bytes = [];
  };
  for (const token of tokens) {
    const digits = /^<0x([0-9A-Fa-f]{2})>$/.exec(token)?.[1];
    if (digits !== undefined) {
      bytes.push(parseInt(digits, 16));
      continue;
    }
    flush();
    result.push(token);
  }
  flush();
  return result;
}

function strip(characters: readonly string[], content: string, start: number, stop: number): string {
  let from = 0;
  while (from < start && characters[from] === content) from++;
  let to = characters.length;
  while (characters.length - to < stop && characters[to - 1] === content) to--;
  return characters.slice(from, Math.max(from, to)).join('');
}
