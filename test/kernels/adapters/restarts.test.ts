/** @file Which adapters can restart, and which are refused with the reason, in the configuration as in the plan. */

import { describe, expect, test } from 'vitest';
import { configOfCycle, refuseRestarts } from '../../../kernels/adapters/restarts';
import { planAdapter } from '../../../kernels/adapters/plan';
import { adapterMethod, adapterMethods } from '../../../kernels/adapters/registry';
import type { AnyAdapterMethod } from '../../../kernels/adapters/types';
import { loadConfig } from '../../../kernels/config/loadConfig';
import { openBaseModel } from '../../../kernels/models/baseModel';
import type { Fields } from '../../../kernels/util/fields';
import { withDefaults } from '../../../kernels/util/fields';
import { trainingFixture } from '../../support/trainingFixture';

const fixture = trainingFixture();
const TARGETS = ['q_proj'];

function refusal(id: string, adapter: object = {}, types?: readonly unknown[]): string | undefined {
  const method = adapterMethod(id) as AnyAdapterMethod;
  const model = openBaseModel(fixture.model);
  try {
    const config = withDefaults(method.config as Fields, { r: 2, target_modules: TARGETS, ...adapter });
    refuseRestarts(planAdapter(method, config, model), types);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  } finally {
    model.checkpoint.close();
  }
}

describe('an adapter can restart whose merge is exact and whose fresh form changes nothing', () => {
  test.each([
    ['lora', {}],
    ['dora', {}],
    ['asylora', {}],
    ['reslora', { variant: 'bs' }],
    ['mora', { mora_type: 2 }],
  ])('%s', (id, adapter) => expect(refusal(id, adapter)).toBeUndefined());

  test.each([
    ['vera', {}, /share tensors that stay the same/],
    ['dvora', {}, /share tensors that stay the same/],
    ['reslora', { variant: 'is' }, /its merge would not be what was trained/],
    ['reslora', { variant: 'ms' }, /its merge would not be what was trained/],
    [
      'mora',
      {},
      /mora_type 6, the default, is none of .*"mora_type: 1" to the section adapter, or "mora_types: \[6\]" to the section relora/,
    ],
    ['mora', { mora_type: 'truncate' }, /mora_type truncate is none of the turns/],
  ])('%s %j cannot, and is told why', (id, adapter, reason) => expect(refusal(id, adapter)).toMatch(reason));

  test('every method of the registry is either of the two', () => {
    for (const { id } of adapterMethods) {
      const found = refusal(id);
      expect(found === undefined || found.length > 20, `${id}: ${found}`).toBe(true);
    }
  });
});

describe("MoRA's operators", () => {
  const mora = adapterMethod('mora') as AnyAdapterMethod;
  const turns = (first: unknown, types?: readonly unknown[]): unknown[] =>
    [1, 2, 3, 4, 5].map((cycle) => configOfCycle(mora, { mora_type: first }, cycle, types)['mora_type']);

  test('take turns from the first one on', () => {
    expect(turns(1)).toEqual([1, 2, 3, 4, 1]);
    expect(turns(3)).toEqual([3, 4, 1, 2, 3]);
    expect(turns(2, [1, 2])).toEqual([2, 1, 2, 1, 2]);
  });

  test('stay where one alone is named', () => expect(turns(6, [6])).toEqual([6, 6, 6, 6, 6]));

  test('are refused where the first one is not among them, or one has no successor', () => {
    expect(() => turns(4, [1, 2])).toThrow(/mora_type 4 is none of mora_types 1, 2/);
    expect(() => turns(1, [1, 6])).toThrow(/only the operators 1 to 4 can take turns/);
  });
});

describe('a key that cannot take effect is refused', () => {
  const problems = (name: string, changes: Parameters<typeof fixture.config>[1]): string[] =>
    loadConfig(fixture.config(name, changes), { methods: adapterMethods }).problems.map(
      ({ where, expected }) => `${where}: ${expected}`,
    );
  const cosine = { lr_scheduler_type: 'cosine_restarts', warmup_steps: 1 };

  test.each([
    ['every', { training: { max_steps: 9 }, relora: { every: 9 } }, /^relora.every: the run ends after 9 steps/],
    ['reset', { relora: { optimizer_reset: 'keep' } }, /^relora.optimizer_reset: there are no restarts/],
    ['pruning', { relora: { every: 5, magnitude_pruning: 0.5 } }, /^relora.magnitude_pruning: nothing is pruned/],
    ['warm', { relora: { every: 5, restart_warmup_steps: 2 } }, /^relora.restart_warmup_steps: only the schedule/],
    ['types', { relora: { every: 5, mora_types: [1, 2] } }, /^relora.mora_types: only the method mora/],
    ['schedule', { training: cosine }, /^training.lr_scheduler_type: cosine_restarts follows the cycles/],
    ['ratio', { training: { min_lr_ratio: 0.2 } }, /^training.min_lr_ratio: only cosine_restarts/],
    [
      'long-warm',
      { training: cosine, relora: { every: 5, restart_warmup_steps: 5 } },
      /^relora.restart_warmup_steps: a cycle ends after 5 steps/,
    ],
    [
      'long-first',
      { training: { ...cosine, warmup_steps: 6 }, relora: { every: 5 } },
      /^training.warmup_steps: a cycle ends after 5 steps/,
    ],
  ])('%s', (name, changes, reason) => {
    const found = problems(name, changes);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(reason);
  });

  test('all of them together are taken where they belong', () => {
    const relora = {
      every: 8,
      optimizer_reset: 'magnitude',
      magnitude_pruning: 0.9,
      restart_warmup_steps: 2,
      mora_types: [2, 4],
    };
    const adapter = { method: 'mora', mora_type: 2, lora_alpha: undefined };
    expect(problems('all', { adapter, relora, training: { ...cosine, min_lr_ratio: 0.2 } })).toEqual([]);
  });
});
