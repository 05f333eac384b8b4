/** @file VeRA's shared matrices: drawn from their seed as PEFT draws them. */
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { loadAdapter, saveAdapter } from '../../../kernels/adapters/adapterFile';
import { SHARED_MODULE } from '../../../kernels/adapters/plan';
import { openBaseModel } from '../../../kernels/models/baseModel';
import { Parameters } from '../../../kernels/trainer/parameters';
import { temporaryFolder } from '../../support/tinyModel';

const golden = path.join(__dirname, '../../golden');
const model = openBaseModel(path.join(golden, 'bases/llama-gqa'));
afterAll(() => model.checkpoint.close());

it('the same seed gives the bits of PEFT', () => {
  const { plan, parameters, config } = loadAdapter(path.join(golden, 'cases/08-vera-llama-qv/adapter_init'), model);
  expect(config.projection_prng_key).toBe(7);
  const fresh = new Parameters(plan).initialise(model, 99);
  for (const param of ['vera_A', 'vera_B']) {
    const key = `${SHARED_MODULE}.${param}`;
    expect(fresh.get(key).length).toBeGreaterThan(100);
    expect(fresh.get(key)).toEqual(parameters.get(key));
  }
});

it('a file that holds the seed alone is drawn again, and written back with its matrices', () => {
  const mistral = openBaseModel(path.join(golden, 'bases/mistral'));
  try {
    const dir = path.join(golden, 'cases/16-vera-seeded/peft');
    const { plan, parameters, configText, rawConfig } = loadAdapter(dir, mistral);
    expect(rawConfig['save_projection']).toBe(false);
    const out = temporaryFolder();
    saveAdapter(out, plan, parameters, { baseModelPath: 'mistral', preserve: configText });
    const again = loadAdapter(out, mistral);
    expect(again.rawConfig['save_projection']).toBe(true);
    expect(again.parameters).toEqual(parameters);
  } finally {
    mistral.checkpoint.close();
  }
});
