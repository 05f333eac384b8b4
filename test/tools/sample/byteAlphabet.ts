/** @file The alphabet of byte-level BPE: one printable character for each of the 256 bytes, as in the GPT-2 vocabulary. */

/**
 * Printable Latin-1 bytes stand for themselves; the others, space among them, take the characters from U+0100 on, in order.
 * Index: byte; the order of `BYTE_SYMBOLS_IN_VOCABULARY` is the one that published vocabularies use.
 */
const BYTE_SYMBOLS: readonly string[] = byteSymbols();

/** Self-standing bytes first, then the others: ids 0 to 255 after the special tokens. */
export const BYTE_SYMBOLS_IN_VOCABULARY: readonly string[] = [...BYTE_SYMBOLS].sort(
  (a, b) => (a.codePointAt(0) ?? 0) - (b.codePointAt(0) ?? 0),
);

/** UTF-8 bytes of the text, each written as its symbol. */
export function toByteSymbols(text: string): string[] {
  return Array.from(new TextEncoder().encode(text), (byte) => BYTE_SYMBOLS[byte] ?? '');
}

function byteSymbols(): string[] {
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => {
    const isPrintable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    return String.fromCodePoint(isPrintable ? byte : next++);
  });
}
