/** @file The analyses against reference results in float64, each within the tolerance of its case. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runAnalysisCase } from '../../tools/golden/analysis';

const golden = join(import.meta.dirname, '../../golden');
const cases = readdirSync(join(golden, 'cases')).filter((name) => /^11-(?!src)/.test(name));

test.each(cases)('%s', (name) => {
  const results = runAnalysisCase(join(golden, 'cases', name), join(golden, 'bases'));
  expect(results.length).toBeGreaterThan(3);
  expect(results.filter(({ worstError, tolerance }) => worstError > tolerance)).toEqual([]);
});

test('all kinds of analyses are there', () => {
  const kinds = ['spectra', 'subspace', 'amplification', 'dora'];
  for (const kind of kinds) expect(cases.some((name) => name.startsWith(`11-${kind}`))).toBe(true);
});
