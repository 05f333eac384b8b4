/**
 * @file The project's own random numbers, for everything that need not equal another program's: order of samples,
 * evaluation share, dropout seeds. xoshiro128** (Blackman and Vigna, public domain), seeded by splitmix32.
 */

export interface Random {
  /** The next 32-bit word. */
  uint32(): number;
  /** A whole number from 0 to `limit` − 1, each equally likely; `limit` at most 2³². */
  below(limit: number): number;
}

/**
 * A generator of its own for each list of numbers: `createRandom(seed, epoch)` gives an order that depends on both and on
 * nothing that was drawn before, which is what makes a resumed run exact. Numbers are whole, from 0 to 2³² − 1.
 */
export function createRandom(...seeds: readonly number[]): Random {
  const state = new Uint32Array(4);
  let mixed = 0x9e3779b9;
  for (const seed of seeds) mixed = splitmix32(mixed ^ (seed >>> 0)).value;
  for (let i = 0; i < 4; i++) {
    const next = splitmix32(mixed);
    mixed = next.state;
    state[i] = next.value;
  }
  const uint32 = () => xoshiro128(state);
  return {
    uint32,
    below: (limit) => {
      // Words beyond the last full multiple of the limit would make small numbers more likely: draw again.
      const top = 2 ** 32 - (2 ** 32 % limit);
      let word = uint32();
      while (word >= top) word = uint32();
      return word % limit;
    },
  };
}

/** Standard normal numbers from numbers in [0, 1), by Box and Muller; 1 − u keeps the logarithm finite. */
export const normalStream = (uniform: () => number) => (): number =>
  Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());

/** The numbers 0 … n − 1 in random order (Fisher and Yates). */
export function permutation(n: number, random: Random): Int32Array {
  const order = Int32Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = random.below(i + 1);
    const value = order[i] ?? 0;
    order[i] = order[j] ?? 0;
    order[j] = value;
  }
  return order;
}

function splitmix32(before: number): { readonly state: number; readonly value: number } {
  const state = (before + 0x9e3779b9) >>> 0;
  let z = state;
  z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
  z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
  return { state, value: (z ^ (z >>> 16)) >>> 0 };
}

function xoshiro128(s: Uint32Array): number {
  const [s0 = 0, s1 = 0, s2 = 0, s3 = 0] = s;
  const result = Math.imul(rotateLeft(Math.imul(s1, 5), 7), 9) >>> 0;
  const c2 = s2 ^ s0;
  const c3 = s3 ^ s1;
  s[0] = s0 ^ c3;
  s[1] = s1 ^ c2;
  s[2] = c2 ^ (s1 << 9);
  s[3] = rotateLeft(c3, 11);
  return result;
}

function rotateLeft(x: number, bits: number): number {
  return (x << bits) | (x >>> (32 - bits));
}
