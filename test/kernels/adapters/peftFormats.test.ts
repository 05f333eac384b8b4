/** @file Adapters of this engine and of PEFT in every format both have, and PEFT's answers with them (`npm run interop -- --formats`). */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { FORMAT_CASES } from '../../tools/formats/formatCases';
import { runFormatCase } from '../../tools/formats/recordedCase';

const root = path.join(__dirname, '..', '..', 'golden');
const PREFIX = '16-';
const recorded = readdirSync(path.join(root, 'cases')).filter((name) => name.startsWith(PREFIX));

describe('adapters mean the same to PEFT', () => {
  it('in every format that is compared with it', () =>
    expect(recorded.map((name) => name.slice(PREFIX.length)).sort()).toEqual(
      FORMAT_CASES.map(({ name }) => name).sort(),
    ));

  it.each(recorded)('%s: logits of both folders, and what is written today', async (name) => {
    const results = await runFormatCase(root, path.join(root, 'cases', name));
    expect(results.length).toBeGreaterThan(0);
    expect(results.filter((r) => !(r.worstError <= r.tolerance))).toEqual([]);
  });
});
