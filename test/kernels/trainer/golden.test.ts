/** @file Reference results for models and adapters; the full set is run by `npm run golden`. */
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { runDoraLayers } from '../../tools/golden/doraLayers';
import { runModelCase } from '../../tools/golden/model';
import { runSchedules } from '../../tools/golden/schedules';
import { runSquareLayers } from '../../tools/golden/squareLayers';

const root = path.join(__dirname, '..', '..', 'golden');
// Those of PEFT's formats (16) have a test of their own.
const cases = readdirSync(path.join(root, 'cases')).filter(
  (name) => existsSync(path.join(root, 'cases', name, 'inputs.json')) && !name.startsWith('16-'),
);

describe('the engine gives the numbers of the reference', () => {
  it('has cases to compare', () => expect(cases.length).toBeGreaterThan(5));

  it.each(cases)('%s: every quantity is within its tolerance', async (name) => {
    const results = await runModelCase(root, path.join(root, 'cases', name));
    expect(results.length).toBeGreaterThan(1);
    expect(results.filter((r) => !(r.worstError <= r.tolerance))).toEqual([]);
  });

  it('DoRA layers, with the gradient of the norm and without', () => {
    const results = runDoraLayers(path.join(root, 'cases', '04-dora-layers'));
    expect(results.length).toBeGreaterThanOrEqual(6);
    expect(results.filter((r) => !(r.worstError <= r.tolerance))).toEqual([]);
  });

  it('learning-rate schedules, those of restarts too', () => {
    const results = runSchedules(path.join(root, 'cases', '06-relora-schedules'));
    expect(results.length).toBeGreaterThanOrEqual(7);
    expect(results.filter((r) => !(r.worstError <= r.tolerance))).toEqual([]);
  });

  it("MoRA's operators on layers of fifty shapes", () => {
    const results = runSquareLayers(path.join(root, 'cases', '05-mora-layers'));
    expect(results.length).toBeGreaterThanOrEqual(5);
    expect(results.filter((r) => !(r.worstError <= r.tolerance))).toEqual([]);
  });
});
