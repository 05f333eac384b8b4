/** @file A short run of the fuzzer with a fixed seed; `npm run fuzz` is the long one. */
import { expect, test } from 'vitest';
import { fuzz } from './fuzz';
import { targets } from './targets';

const COUNTS: Readonly<Record<string, number>> = { headers: 20_000, tokenizer: 500 };

test.each(targets)('$name: damaged texts are read or refused in words', async (target) => {
  const report = await fuzz(target, COUNTS[target.name] ?? 2000, 1);
  expect(report.accepted).toBeGreaterThan(0);
});

test('a defect is shown with the input that made it', async () => {
  const broken = { name: 'broken', seeds: [Buffer.from('{}')], count: 1, read: () => JSON.parse('') as unknown };
  await expect(fuzz(broken, 1, 1)).rejects.toThrow(/broken, input 0 of seed 1: SyntaxError/);
});
