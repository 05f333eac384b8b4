/** @file What a tokenizer model (BPE, Unigram) does with one word. */

/** The tokens of one word; all share the arrays of a cache, so nobody may change them. */
export interface Word {
  readonly ids: readonly number[];
  /**
   * First and last position of each token, two numbers a token: bytes of the word's UTF-8 when the model reads bytes,
   * UTF-16 units otherwise.
   */
  readonly ranges: readonly number[];
}

export interface TokenModel {
  /** Every token by its text, without the added tokens. */
  readonly vocabulary: ReadonlyMap<string, number>;
  encode(word: string): Word;
}

/** Words come again and again; the cache is emptied when it is full, which is cheaper than keeping an order. */
export function cachedModel(model: TokenModel): TokenModel {
  const cache = new Map<string, Word>();
  return {
    vocabulary: model.vocabulary,
    encode: (word) => {
      const known = cache.get(word);
      if (known) return known;
      const encoded = model.encode(word);
      if (word.length > MAX_CACHED_LENGTH) return encoded;
      if (cache.size >= MAX_CACHED_WORDS) cache.clear();
      cache.set(word, encoded);
      return encoded;
    },
  };
}

const MAX_CACHED_WORDS = 50_000;
const MAX_CACHED_LENGTH = 64;

/** Names of the 256 byte tokens of SentencePiece-style vocabularies. */
export function byteTokenName(byte: number): string {
  return `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`;
}
