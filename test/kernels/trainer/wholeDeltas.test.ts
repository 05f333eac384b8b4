/** @file Rank curves of methods whose delta weight is no product: the directional update, and whole delta weights as far as affordable. */
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { dora } from '../../../kernels/adapters/methods/dora';
import { planAdapter } from '../../../kernels/adapters/plan';
import { singularValues } from '../../../kernels/analysis/linalg/svd';
import { openBaseModel } from '../../../kernels/models/baseModel';
import type { SpectrumRecord } from '../../../kernels/protocol/types';
import { RunFolder } from '../../../kernels/runs/runFolder';
import { executeRun } from '../../../kernels/server/executeRun';
import { Parameters } from '../../../kernels/trainer/parameters';
import { readConfig } from '../../../kernels/check/checkConfig';
import { prepareRun } from '../../../kernels/trainer/prepare';
import { RunSpectra } from '../../../kernels/trainer/spectra';
import type { Fields } from '../../../kernels/util/fields';
import { withDefaults } from '../../../kernels/util/fields';
import { randomValues, writeTinyModel } from '../../support/tinyModel';
import { readRecords, trainingFixture } from '../../support/trainingFixture';

const fixture = trainingFixture();

beforeAll(() => {
  process.env.ADAPTER_STUDIO_CACHE = path.join(fixture.folder, 'cache');
});

describe('DoRA', () => {
  const model = openBaseModel(writeTinyModel({ dtype: 'F32' }));
  const config = withDefaults(dora.config as Fields, { r: 2, lora_alpha: 6, target_modules: ['down_proj'] });
  const plan = planAdapter(dora, config, model);
  const parameters = new Parameters(plan).initialise(model, 0);
  const size = {
    data: { max_length: 8 },
    training: { per_device_train_batch_size: 1, gradient_accumulation_steps: 1 },
  };
  const data = { train: { tokenLengths: [8] } };
  const spectra = (): RunSpectra =>
    new RunSpectra({ plan, model, parameters, config: size, data, totalSteps: 4 } as never);
  const path0 = 'model.layers.0.mlp.down_proj';
  const of = (records: readonly SpectrumRecord[], what?: 'direction'): SpectrumRecord =>
    records.find((record) => record.module === path0 && record.of === what)!;

  it('has rank 0 before its first step, whatever rounding leaves of the whole difference', async () => {
    expect(of(spectra().at(0), 'direction').stable_rank).toBe(0);
    expect(of(await spectra().wholeAt(0, true)).effective_rank).toBe(0);
  });

  it('has a directional update of rank r and a delta weight with the changed lengths in it', async () => {
    const [a, b] = [randomValues([2, 24], 1), randomValues([16, 2], 2)];
    const m = parameters.get(`${path0}.lora_magnitude_vector`).map((value, i) => value * (1 + 0.1 * Math.sin(i)));
    parameters.set(`${path0}.lora_A`, a);
    parameters.set(`${path0}.lora_B`, b);
    parameters.set(`${path0}.lora_magnitude_vector`, m);
    const update = product(a, b).map((value) => 3 * value);
    const direction = of(spectra().at(1), 'direction').singular_values;
    singularValues({ rows: 16, cols: 24, data: update })
      .subarray(0, 2)
      .forEach((value, i) => expect(direction[i]).toBeCloseTo(value, 4));
    const weight = model.checkpoint.readF32(`${path0}.weight`);
    const turned = update.map((value, i) => value + weight[i]!);
    const change = turned.map((value, i) => {
      const row = turned.subarray(Math.floor(i / 24) * 24, Math.floor(i / 24) * 24 + 24);
      return (value * m[Math.floor(i / 24)]!) / Math.hypot(...row) - weight[i]!;
    });
    const whole = of(await spectra().wholeAt(1, true));
    singularValues({ rows: 16, cols: 24, data: change }).forEach((value, i) =>
      expect(whole.singular_values[i]).toBeCloseTo(value, 4),
    );
    expect(whole.effective_rank).toBeGreaterThan(of(spectra().at(1), 'direction').effective_rank);
  });
});

it.each([
  ['dora', {}, ['', 'direction']],
  ['dvora', { r: 4 }, ['', 'direction']],
  ['vera', { r: 4 }, ['']],
  ['mora', {}, ['']],
  ['mora', { mora_type: 'decouple' }, ['']],
  ['reslora', { pre_num: 1 }, ['']],
] as const)(
  '%s %j has the first and the last point of its curves in a run of two steps',
  async (method, more, kinds) => {
    const isVera = method.endsWith('vera') || method === 'dvora';
    const adapter = { method, ...(isVera && { lora_alpha: undefined, lora_dropout: undefined, r: 4 }), ...more };
    const withoutAlpha = method === 'mora' ? { lora_alpha: undefined } : {};
    const name = `${method}-${Object.values(more).join('-')}`;
    const file = fixture.config(name, { adapter: { ...adapter, ...withoutAlpha }, training: { max_steps: 2 } });
    const prepared = await prepareRun(file, readConfig(file));
    const run = RunFolder.create(path.join(fixture.folder, name), prepared.info);
    const prepare = () => Promise.resolve(prepared);
    const signal = new AbortController().signal;
    await executeRun(run, { isResumed: false, mode: 'beside', onRefused: 'fail', prepare, signal });
    const records = readRecords<SpectrumRecord>(run.file('spectra.jsonl'));
    for (const kind of kinds) {
      const own = records.filter((record) => (record.of ?? '') === kind);
      expect(new Set(own.map(({ step }) => step))).toEqual(new Set([0, 1, 2]));
      expect(own.filter(({ step }) => step === 2).some(({ stable_rank: rank }) => rank > 0)).toBe(true);
    }
  },
);

function product(a: Float32Array, b: Float32Array): Float64Array {
  return Float64Array.from({ length: 16 * 24 }, (_, i) => {
    const [row, column] = [Math.floor(i / 24), i % 24];
    return b[row * 2]! * a[column]! + b[row * 2 + 1]! * a[24 + column]!;
  });
}
