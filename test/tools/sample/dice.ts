/** @file A seeded source of choices for generated text: the same seed gives the same text on every machine (xoshiro128**). */

export interface Dice {
  /** A whole number from 0 to `bound - 1`. */
  below(bound: number): number;
  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number;
  /** True with this probability. */
  chance(probability: number): boolean;
  /** One element; an empty list is an error. */
  pick<T>(items: readonly T[]): T;
  /** A new list in random order (Fisher-Yates). */
  shuffled<T>(items: readonly T[]): T[];
}

/** `seed` is any 32-bit whole number; its four state words come from splitmix32, so that near seeds give unrelated text. */
export function createDice(seed: number): Dice {
  const next = xoshiro128(seed);
  // 32 random bits against a bound of a few thousand: the bias of the product is below 1e-6 and does not matter for text.
  const below = (bound: number): number => Math.floor((next() / 2 ** 32) * bound);
  return {
    below,
    between: (low, high) => low + below(high - low + 1),
    chance: (probability) => next() / 2 ** 32 < probability,
    pick: (items) => itemAt(items, below(items.length)),
    shuffled: (items) => {
      const result = [...items];
      for (let i = result.length - 1; i > 0; i--) {
        const j = below(i + 1);
        [result[i], result[j]] = [itemAt(result, j), itemAt(result, i)];
      }
      return result;
    },
  };
}

function itemAt<T>(items: readonly T[], index: number): T {
  if (index >= items.length) throw new RangeError(`no element ${index} in a list of ${items.length}`);
  return items[index] as T;
}

/** Blackman and Vigna, https://prng.di.unimi.it (public domain): returns unsigned 32-bit words. */
function xoshiro128(seed: number): () => number {
  let word = seed | 0;
  const splitmix = (): number => {
    word = (word + 0x9e3779b9) | 0;
    let z = Math.imul(word ^ (word >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return z ^ (z >>> 15);
  };
  let [a, b, c, d] = [splitmix(), splitmix(), splitmix(), splitmix()];
  const rotate = (x: number, k: number): number => (x << k) | (x >>> (32 - k));
  return () => {
    const result = Math.imul(rotate(Math.imul(b, 5), 7), 9);
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = rotate(d, 11);
    return result >>> 0;
  };
}
