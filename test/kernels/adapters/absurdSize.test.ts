/** @file Ranks that make an adapter larger than anyone can mean, whatever the method. */
import { afterAll, describe, expect, it } from 'vitest';
import { planAdapter } from '../../../kernels/adapters/plan';
import { adapterMethods } from '../../../kernels/adapters/registry';
import { openBaseModel } from '../../../kernels/models/baseModel';
import { KernelError } from '../../../kernels/protocol/errors';
import type { Fields } from '../../../kernels/util/fields';
import { withDefaults } from '../../../kernels/util/fields';
import { writeTinyModel } from '../../support/tinyModel';

const model = openBaseModel(writeTinyModel());
afterAll(() => model.checkpoint.close());

function refusalOf(id: string, config: Readonly<Record<string, unknown>>) {
  const method = adapterMethods.find((m) => m.id === id);
  if (!method) throw new Error(`there is no method ${id}`);
  try {
    planAdapter(method, withDefaults(method.config as Fields, config), model);
    return undefined;
  } catch (error) {
    if (KernelError.is(error, 'adapter/unsupported')) return error.problems[0];
    throw error;
  }
}

// AsyLoRA says itself that no layer has so many directions at right angles.
const ranked = adapterMethods.filter((m) => 'r' in (m.config as Fields) && m.id !== 'asylora').map((m) => m.id);

describe('an adapter of more parameters than anyone can mean', () => {
  it.each(ranked)('is refused at r with its size: %s', (id) => {
    expect(refusalOf(id, { r: 1e9 })).toMatchObject({
      where: 'adapter.r',
      found: expect.stringMatching(/^1,000,000,000 makes an adapter of [\d,]+ parameters$/),
      expected: expect.stringContaining('expected at most 16,777,216 for a base model of '),
    });
  });

  it('is refused at rank_pattern where that gives the rank', () => {
    const config = { r: 4, target_modules: ['q_proj'], rank_pattern: { q_proj: 1e8 } };
    expect(refusalOf('lora', config)).toMatchObject({
      where: 'adapter.rank_pattern',
      found: expect.stringMatching(/^100,000,000 makes/),
    });
  });
});

it.each(ranked)('a rank larger than every layer is no slip: %s', (id) => {
  expect(refusalOf(id, { r: 256 })).toBeUndefined();
});
