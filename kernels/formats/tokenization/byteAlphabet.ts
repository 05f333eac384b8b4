/** @file The alphabet of byte-level tokenizers: each of the 256 bytes as one visible character (space is Ġ). */

/** Printable Latin-1 bytes stand for themselves, the others for U+0100 and what follows, in order. */
export const BYTE_CHARACTERS: readonly string[] = (() => {
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => {
    const isPrintable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    return String.fromCharCode(isPrintable ? byte : next++);
  });
})();

const BYTE_OF = new Map(BYTE_CHARACTERS.map((character, byte) => [character, byte]));

/** The byte a character of the alphabet stands for. */
export function byteOf(character: string): number | undefined {
  return BYTE_OF.get(character);
}

/** The bytes of a text in the alphabet. */
export function toByteAlphabet(text: string): string {
  let result = '';
  for (const byte of Buffer.from(text, 'utf8')) result += BYTE_CHARACTERS[byte] ?? '';
  return result;
}
