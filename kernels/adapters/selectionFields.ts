/** @file Fields of every method that targets modules by PEFT's rules, and what they select. */
import { choice, integer, list, map, number, part, text, union } from '../util/fields';
import type { ConfigOf } from '../util/fields';
import { patternValue } from './targets';
import type { Selection } from './types';

const name = text({ ...part });
const names = list(name, { ...part });

/** Fields of every method that targets modules. */
export const targetFields = {
  target_modules: union(
    [
      choice(['all-linear'], { ...part, default: 'all-linear' }),
      text({ ...part, label: 'Regular expression', expected: 'a regular expression over whole module paths' }),
      names,
    ],
    {
      default: 'all-linear',
      label: 'Target modules',
      help: 'Layers that get an adapter: all-linear (every linear layer but the head), a list of module names, or a regular expression that must match a whole module path.',
      group: 'Targets',
    },
  ),
  layers_to_transform: union([integer({ ...part, min: 0 }), list(integer({ ...part, min: 0 }), { ...part })], {
    optional: true,
    label: 'Layers',
    help: 'Index or list of indices of the transformer blocks that are adapted. Without it: all blocks.',
    group: 'Targets',
  }),
  layers_pattern: union([name, names], {
    optional: true,
    label: 'Layers pattern',
    help: 'Name of the module list that the block indices count in, for example layers.',
    group: 'Targets',
  }),
  modules_to_save: list(name, {
    optional: true,
    label: 'Modules to save',
    help: 'Modules that are trained in full and stored with the adapter, for example lm_head or embed_tokens. Some serving engines refuse such adapters.',
    group: 'Also trained',
  }),
};

/** With PEFT's further fields of LoRA. */
export const selectionFields = {
  ...targetFields,
  exclude_modules: union([text({ ...part, label: 'Regular expression', expected: 'a regular expression' }), names], {
    optional: true,
    label: 'Exclude modules',
    help: 'Modules left out of the targets: a list of names or a regular expression. Wins over the targets.',
    group: 'Targets',
  }),
  rank_pattern: map(integer({ ...part, min: 1 }), {
    default: {},
    label: 'Rank pattern',
    help: 'Ranks of single modules: a name, or a regular expression for the end of a module path, and the rank there. The first match wins.',
    group: 'Targets',
  }),
  bias: choice(['none', 'all', 'lora_only'], {
    default: 'none',
    label: 'Bias',
    help: 'Biases that are trained too: none, all of the model, or those of the adapted layers. Switching the adapter off then no longer restores the base model.',
    group: 'Also trained',
  }),
};

/** For methods whose update is scaled by alpha. */
export const alphaPatternField = {
  alpha_pattern: map(number({ ...part, above: 0 }), {
    default: {},
    label: 'Alpha pattern',
    help: 'Alphas of single modules, in the same way as ranks.',
    group: 'Targets',
  }),
};

type AlphaConfig = ConfigOf<typeof alphaPatternField> & { readonly lora_alpha: number };
type SelectionConfig = ConfigOf<typeof selectionFields>;

export function selectionOf(config: SelectionConfig): Selection {
  return {
    targetModules: config.target_modules,
    excludeModules: config.exclude_modules ?? null,
    layersToTransform: config.layers_to_transform === undefined ? null : [config.layers_to_transform].flat(),
    layersPattern: config.layers_pattern === undefined ? [] : [config.layers_pattern].flat(),
    modulesToSave: config.modules_to_save ?? [],
    bias: config.bias,
  };
}

/** The configuration of one layer: its rank by the pattern, where one matches. */
export function withRankPattern<C extends SelectionConfig & { readonly r: number }>(path: string, config: C): C {
  return { ...config, r: patternValue(config.rank_pattern, path, 'rank_pattern') ?? config.r };
}

/** The same with alpha. */
export function withPatterns<C extends SelectionConfig & AlphaConfig & { readonly r: number }>(
  path: string,
  config: C,
): C {
  const alpha = patternValue(config.alpha_pattern, path, 'alpha_pattern') ?? config.lora_alpha;
  return { ...withRankPattern(path, config), lora_alpha: alpha };
}
