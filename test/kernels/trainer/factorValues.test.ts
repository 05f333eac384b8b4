/** @file How factors start: their sizes and products, and what PiSSA takes out of the base. */
import { afterAll, describe, expect, it } from 'vitest';
import { saveAdapter } from '../../../kernels/adapters/adapterFile';
import type { AdapterPlan } from '../../../kernels/adapters/plan';
import { planAdapter } from '../../../kernels/adapters/plan';
import { lora } from '../../../kernels/adapters/methods/lora';
import { dora } from '../../../kernels/adapters/methods/dora';
import type { AnyAdapterMethod } from '../../../kernels/adapters/types';
import { matrix, multiply } from '../../../kernels/analysis/linalg/matrix';
import { singularValues } from '../../../kernels/analysis/linalg/svd';
import { readPeftConfig } from '../../../kernels/formats/peft';
import { openBaseModel } from '../../../kernels/models/baseModel';
import { Parameters } from '../../../kernels/trainer/parameters';
import type { Fields } from '../../../kernels/util/fields';
import { withDefaults } from '../../../kernels/util/fields';
import { temporaryFolder, writeTinyModel } from '../../support/tinyModel';

const model = openBaseModel(writeTinyModel());
afterAll(() => model.checkpoint.close());

const MODULE = 'model.layers.1.mlp.down_proj';

function planOf(config: Readonly<Record<string, unknown>>, method: AnyAdapterMethod = lora): AdapterPlan {
  const all = { r: 4, lora_alpha: 6, target_modules: ['down_proj'], ...config };
  return planAdapter(method, withDefaults(method.config as Fields, all), model);
}

const started = (config: Readonly<Record<string, unknown>>): Parameters =>
  new Parameters(planOf(config)).initialise(model, 11);

/** s·B·A of the module, [out, in] row by row. */
function update(parameters: Parameters, b: string, a: string, r = 4, scaling = 6 / 4): Float64Array {
  const [second, first] = [parameters.get(`${MODULE}.${b}`), parameters.get(`${MODULE}.${a}`)];
  const product = multiply(matrix(second.length / r, r, second), matrix(r, first.length / r, first));
  return product.data.map((v) => v * scaling);
}

describe('a start', () => {
  it('gaussian has deviation 1/r', () => {
    const r = 8;
    const a = started({ init_lora_weights: 'gaussian', r }).get(`${MODULE}.lora_A`);
    const deviation = Math.sqrt(a.reduce((n, v) => n + v * v, 0) / a.length);
    expect(Math.abs(deviation * r - 1)).toBeLessThan(0.1);
  });

  it('orthogonal has a product of zero and entries of about √(1/2)/10', () => {
    const parameters = started({ init_lora_weights: 'orthogonal' });
    for (const name of ['lora_A', 'lora_B']) {
      const values = parameters.get(`${MODULE}.${name}`);
      // r/2 normal numbers times unit directions in r dimensions.
      const size = Math.sqrt(values.reduce((n, v) => n + v * v, 0) / values.length);
      expect(size * 10).toBeGreaterThan(0.5);
      expect(size * 10).toBeLessThan(0.9);
    }
    expect(Math.max(...update(parameters, 'lora_B', 'lora_A').map(Math.abs))).toBeLessThan(1e-8);
  });

  it('b-random has only zeros in A', () => {
    const parameters = started({ init_lora_weights: 'b-random' });
    expect(parameters.get(`${MODULE}.lora_A`).every((v) => v === 0)).toBe(true);
    const b = parameters.get(`${MODULE}.lora_B`);
    expect(b.some((v) => v !== 0)).toBe(true);
    expect(Math.max(...b.map(Math.abs))).toBeLessThanOrEqual(1 / Math.sqrt(4));
  });

  it.each(['pissa', 'pissa_niter_4', 'pissa_niter_16'])('%s holds the largest singular values of W', (start) => {
    const parameters = started({ init_lora_weights: start });
    const site = model.sites.find((s) => s.path === MODULE);
    if (!site) throw new Error('the layer is gone');
    const weight = model.checkpoint.readF32(site.weight);
    const values = singularValues(matrix(site.outFeatures, site.inFeatures, weight));
    const taken = update(parameters, 'lora_B', 'lora_A');
    const rest = taken.map((v, i) => (weight[i] ?? NaN) - v);
    const left = singularValues(matrix(site.outFeatures, site.inFeatures, rest));
    // Random weights have singular values close to each other, where few rounds tell them apart least.
    const tolerance = start === 'pissa' ? 1e-6 : start === 'pissa_niter_16' ? 0.01 : 0.1;
    expect(Math.abs((left[0] ?? NaN) / (values[4] ?? NaN) - 1)).toBeLessThan(tolerance);
    // W_res + s·B·A = W
    expect(update(parameters, 'initial_B', 'initial_A')).toEqual(taken);
    expect(Math.max(...rest.map((v, i) => Math.abs(v + (taken[i] ?? NaN) - (weight[i] ?? NaN))))).toBeLessThan(1e-6);
  });
});

describe('what files say of a start', () => {
  const written = (config: Readonly<Record<string, unknown>>, method: AnyAdapterMethod = lora) => {
    const dir = temporaryFolder();
    const plan = planOf(config, method);
    saveAdapter(dir, plan, new Parameters(plan).initialise(model, 1), { baseModelPath: model.dir });
    return readPeftConfig(dir).config;
  };

  it.each(['gaussian', 'orthogonal'])('%s stays, as PEFT knows it', (init_lora_weights) => {
    expect(written({ init_lora_weights })).toMatchObject({ init_lora_weights, r: 4, lora_alpha: 6 });
  });

  it('b-random is true, which PEFT can read', () => {
    expect(written({ init_lora_weights: 'b-random' })).toMatchObject({ init_lora_weights: true, r: 4 });
  });

  it.each([lora, dora] as readonly AnyAdapterMethod[])(
    'pissa of $label is twice the rank under the same scaling',
    (method) => {
      const patterns = { rank_pattern: { '1.mlp.down_proj': 3 }, alpha_pattern: { '1.mlp.down_proj': 5 } };
      expect(written({ init_lora_weights: 'pissa', ...patterns }, method)).toMatchObject({
        init_lora_weights: true,
        r: 8,
        lora_alpha: 12,
        rank_pattern: { '1.mlp.down_proj': 6 },
        alpha_pattern: { '1.mlp.down_proj': 10 },
      });
      const { r, lora_alpha } = written({ init_lora_weights: 'pissa', use_rslora: true }, method);
      expect(lora_alpha / Math.sqrt(r)).toBeCloseTo(6 / 2, 12);
    },
  );

  it('a layer with a magnitude alone is DoRA of rank 1 with factors of zeros', () => {
    const config = written({ magnitude_only: ['1.mlp.down_proj'] }, dora);
    expect(config.rank_pattern).toEqual({ 'model\\.layers\\.1\\.mlp\\.down_proj': 1 });
  });
});

describe('a start that cannot be', () => {
  it.each([
    [{ init_lora_weights: 'orthogonal', r: 3 }, /halves the rank, and 3 is odd; choose an even r/],
    [{ init_lora_weights: 'pissa', r: 1000 }, /its base weight has \d+ singular values; choose r ≤ \d+/],
  ])('%j is refused with the reason', (config, message) => {
    expect(() => planOf(config)).toThrow(message);
  });

  it('a magnitude alone of a layer that is not adapted is refused', () => {
    expect(() => planOf({ magnitude_only: ['q_proj'] }, dora)).toThrow(
      /magnitude_only: q_proj matches no adapted layer; the adapted layers are down_proj/,
    );
  });
});
