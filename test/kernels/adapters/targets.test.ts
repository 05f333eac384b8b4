/** @file Which modules are adapted or saved, by PEFT's rules, and which options are refused because they would do nothing. */
import { afterAll, describe, expect, it } from 'vitest';
import type { AdapterPlan } from '../../../kernels/adapters/plan';
import { planAdapter } from '../../../kernels/adapters/plan';
import { lora } from '../../../kernels/adapters/methods/lora';
import { reslora } from '../../../kernels/adapters/methods/reslora';
import { matchesModules, patternValue, savesModule } from '../../../kernels/adapters/targets';
import { openBaseModel } from '../../../kernels/models/baseModel';
import { KernelError } from '../../../kernels/protocol/errors';
import { withDefaults } from '../../../kernels/util/fields';
import { writeTinyModel } from '../../support/tinyModel';

const model = openBaseModel(writeTinyModel({ config: { num_hidden_layers: 3 } }));
afterAll(() => model.checkpoint.close());

const plan = (config: Readonly<Record<string, unknown>>): AdapterPlan =>
  planAdapter(lora, withDefaults(lora.config, config), model);
const adapted = (config: Readonly<Record<string, unknown>>): readonly string[] =>
  plan(config).layers.map((l) => l.site.path.replace('model.layers.', ''));

describe('target modules', () => {
  it('a list entry is a whole path or its end after a dot', () => {
    expect(matchesModules(['q_proj'], 'model.layers.0.self_attn.q_proj')).toBe(true);
    expect(matchesModules(['self_attn.q_proj'], 'model.layers.0.self_attn.q_proj')).toBe(true);
    expect(matchesModules(['proj'], 'model.layers.0.self_attn.q_proj')).toBe(false);
  });

  it('a regular expression must match the whole path', () => {
    expect(matchesModules('.*q_proj', 'model.layers.0.self_attn.q_proj')).toBe(true);
    expect(matchesModules('q_proj', 'model.layers.0.self_attn.q_proj')).toBe(false);
  });

  it('all-linear is every linear layer but the head', () => {
    expect(adapted({})).toHaveLength(21);
    expect(adapted({}).some((p) => p.includes('lm_head'))).toBe(false);
  });

  it('exclusion wins, layers restrict, a whole path does not ask for its layer', () => {
    expect(
      adapted({ target_modules: ['q_proj', 'k_proj'], exclude_modules: ['k_proj'], layers_to_transform: 2 }),
    ).toEqual(['2.self_attn.q_proj']);
    expect(adapted({ target_modules: ['model.layers.0.mlp.up_proj', 'q_proj'], layers_to_transform: [1] })).toEqual([
      '0.mlp.up_proj',
      '1.self_attn.q_proj',
    ]);
    expect(adapted({ target_modules: ['q_proj'], layers_to_transform: [1], layers_pattern: 'layers' })).toEqual([
      '1.self_attn.q_proj',
    ]);
  });
});

describe('patterns', () => {
  it('match the end of a path after a dot, or anchored its start; the first one wins', () => {
    const patterns = { 'layers.[01].mlp.up_proj': 2, up_proj: 3, '^model.layers.2.*': 4 };
    expect(patternValue(patterns, 'model.layers.0.mlp.up_proj', 'rank_pattern')).toBe(2);
    expect(patternValue(patterns, 'model.layers.2.mlp.up_proj', 'rank_pattern')).toBe(3);
    expect(patternValue(patterns, 'model.layers.2.mlp.down_proj', 'rank_pattern')).toBe(4);
    expect(patternValue(patterns, 'model.layers.0.mlp.my_up_proj', 'rank_pattern')).toBeUndefined();
  });

  it('give a layer its own rank, shapes and scaling', () => {
    const { layers } = plan({
      target_modules: ['q_proj', 'v_proj'],
      rank_pattern: { v_proj: 2 },
      alpha_pattern: { v_proj: 5 },
    });
    const [q, v] = layers;
    expect(q?.config).toMatchObject({ r: 8, lora_alpha: 16 });
    expect(v?.config).toMatchObject({ r: 2, lora_alpha: 5 });
    expect(v?.params.lora_A?.shape).toEqual([2, 16]);
  });
});

describe('modules to save', () => {
  it('are found by the end of a path, even inside a name, and with all that is inside them', () => {
    expect(savesModule(['norm'], 'model.layers.0.input_layernorm')).toBe(true);
    expect(savesModule(['mlp'], 'model.layers.0.mlp.up_proj')).toBe(true);
    expect(savesModule(['head'], 'lm_head')).toBe(true);
    expect(savesModule(['layers.1'], 'model.layers.0.mlp')).toBe(false);
    expect(savesModule([], 'lm_head')).toBe(false);
  });

  it('are trained in full and not adapted as well', () => {
    const { layers, trained } = plan({ modules_to_save: ['o_proj', 'lm_head'] });
    expect(layers.some((l) => l.site.projection === 'o_proj')).toBe(false);
    expect(trained.filter((t) => t.kind === 'base').map((t) => t.key)).toEqual([
      'lm_head.weight',
      ...[0, 1, 2].map((i) => `model.layers.${i}.self_attn.o_proj.weight`),
    ]);
  });
});

describe('an option that would do nothing is refused', () => {
  it.each([
    [{ target_modules: ['q_proj', 'c_attn'] }, /target_modules: c_attn matches no linear layer.*q_proj/],
    [{ target_modules: 'nothing' }, /matches none of the 21 linear layers/],
    [{ target_modules: ['q_proj', 'o_proj'], modules_to_save: ['o_proj'] }, /o_proj.*modules_to_save.*choose one/],
    [{ exclude_modules: ['nobody'] }, /exclude_modules: nobody matches no linear layer/],
    [{ layers_to_transform: [0, 3] }, /there is no block 3.*0 to 2/],
    [{ layers_to_transform: [9] }, /layers_to_transform: there is no block 9/],
    [{ layers_pattern: 'layers' }, /layers_pattern: has no effect by itself/],
    [{ rank_pattern: { c_attn: 2 } }, /rank_pattern: c_attn matches no adapted layer/],
    [{ target_modules: ['q_proj'], alpha_pattern: { up_proj: 2 } }, /alpha_pattern: up_proj matches no adapted layer/],
    [{ modules_to_save: ['classifier'] }, /modules_to_save: classifier matches no module/],
    [{ bias: 'lora_only' }, /bias: lora_only would train nothing/],
    [{ target_modules: '(' }, /is not a regular expression/],
  ])('%j', (config, message) => expect(() => plan(config)).toThrow(message));
});

it('every option that would do nothing is named at once, even when no layer is adapted', () => {
  const lines = (config: Readonly<Record<string, unknown>>): readonly string[] => {
    try {
      return plan(config) && [];
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      return error.problems.map(({ where, found }) => `${where}: ${found}`);
    }
  };
  const wrong = { target_modules: ['q_prj', 'nothere'], layers_to_transform: [0, 9] };
  const all = [
    'adapter.target_modules: q_prj matches no linear layer',
    'adapter.target_modules: nothere matches no linear layer',
    'adapter.layers_to_transform: there is no block 9',
  ];
  expect(lines(wrong)).toEqual(all);
  expect(lines({ ...wrong, target_modules: ['q_prj', 'nothere', 'v_proj'] })).toEqual(all);
});

describe('links to blocks before that no layer has', () => {
  const linked = (config: Readonly<Record<string, unknown>>): AdapterPlan =>
    planAdapter(reslora, withDefaults(reslora.config, config), model);

  it.each([
    [{ layers_to_transform: [2] }, /^layers_to_transform: leaves ResLoRA nothing to link.*two blocks or more/],
    [{ target_modules: ['layers.1.mlp.up_proj'], variant: 'is' }, /^target_modules: leaves ResLoRA nothing to link/],
    [{ pre_num: 3 }, /^pre_num: is 3, but at most 2 blocks can be linked here; expected 2 at most, or -1 for all/],
  ] as const)('%j is refused', (config, message) => expect(() => linked(config)).toThrow(message));

  it('are a warning for an adapter that exists already', () => {
    const warned: string[] = [];
    planAdapter(reslora, withDefaults(reslora.config, { pre_num: 3 }), model, ({ key }) => void warned.push(key));
    expect(warned).toEqual(['pre_num']);
  });

  it.each([{ pre_num: 2 }, { pre_num: -1 }, { layers_to_transform: [0, 2] }])('%j has its links', (config) => {
    expect(() => linked(config)).not.toThrow();
  });
});
