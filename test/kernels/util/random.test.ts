import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createRandom, permutation } from '../../../kernels/util/random';

describe('random numbers', () => {
  test('depend on every seed and on nothing else', () => {
    const draw = (...seeds: number[]) => {
      const random = createRandom(...seeds);
      return Array.from({ length: 4 }, () => random.uint32());
    };
    expect(draw(42, 0)).toEqual(draw(42, 0));
    const others = [draw(42, 0), draw(42, 1), draw(43, 0), draw(0, 42), draw(42), draw()];
    expect(new Set(others.map(String)).size).toBe(others.length);
  });

  test('keep their values, because resumed runs depend on them', () => {
    const random = createRandom(42, 3);
    expect([random.uint32(), random.uint32(), random.below(10)]).toMatchInlineSnapshot(`
      [
        3401755865,
        3823290006,
        4,
      ]
    `);
  });

  test('below a limit are all about equally likely', () => {
    const random = createRandom(1);
    const counts = new Array<number>(7).fill(0);
    for (let i = 0; i < 70_000; i++) {
      const value = random.below(7);
      counts[value] = (counts[value] ?? 0) + 1;
    }
    // Standard deviation of each count: 93.
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(500);
  });

  test('permutations hold every number once', () => {
    fc.assert(
      fc.property(fc.nat(200), fc.nat(), (n, seed) => {
        const order = [...permutation(n, createRandom(seed))];
        expect(order.sort((a, b) => a - b)).toEqual(Array.from({ length: n }, (_, i) => i));
      }),
    );
  });
});
