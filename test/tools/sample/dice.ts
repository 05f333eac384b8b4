/** @file A seeded source of choices for generated text: the same seed gives the same text on every machine. */
import { createRandom, permutation } from '../../../kernels/util/random';

export interface Dice {
  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number;
  /** True with this probability. */
  chance(probability: number): boolean;
  /** One element; an empty list is an error. */
  pick<T>(items: readonly T[]): T;
  /** A new list in random order. */
  shuffled<T>(items: readonly T[]): T[];
}

/** `seed` is a whole number from 0 to 2³² − 1. */
export function createDice(seed: number): Dice {
  const random = createRandom(seed);
  return {
    between: (low, high) => low + random.below(high - low + 1),
    chance: (probability) => random.uint32() < probability * 2 ** 32,
    pick: (items) => itemAt(items, random.below(items.length)),
    shuffled: (items) => Array.from(permutation(items.length, random), (i) => itemAt(items, i)),
  };
}

function itemAt<T>(items: readonly T[], index: number): T {
  if (!(index < items.length)) throw new RangeError(`no element ${index} in a list of ${items.length}`);
  return items[index] as T;
}
