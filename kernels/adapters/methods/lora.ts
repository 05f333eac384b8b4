/**
 * @file LoRA: W' = W + s·B·A with A [r, in] and B [out, r], s = alpha/r (Hu et al. 2021, section 4.1), or alpha/√r for
 * rank-stabilised LoRA (Kalajdzievski 2023). A starts Kaiming-uniform as in all published adapters (the paper's text
 * says Gaussian), B at zero.
 */
import { choice, flag, integer, list, map, number, part, text, union } from '../../util/fields';
import { lowRankForward, lowRankMerged } from '../lowRank';
import { patternValue } from '../targets';
import { defineAdapter } from '../types';

const scalingOf = (c: { readonly r: number; readonly lora_alpha: number; readonly use_rslora: boolean }): number =>
  c.lora_alpha / (c.use_rslora ? Math.sqrt(c.r) : c.r);

const name = text({ ...part });
const names = list(name, { ...part });

export const lora = defineAdapter({
  id: 'lora',
  label: 'LoRA',
  paper: 'https://arxiv.org/abs/2106.09685',
  peft: { peft_type: 'LORA', use_dora: false, lora_bias: false },
  config: {
    r: integer({
      default: 8,
      min: 1,
      label: 'Rank',
      help: 'Rank r of the update B·A. A larger rank can learn more and costs memory and time in proportion.',
    }),
    lora_alpha: number({
      default: 16,
      above: 0,
      label: 'Alpha',
      help: 'Numerator of the scaling factor alpha / r by which the update is multiplied.',
    }),
    use_rslora: flag({
      default: false,
      label: 'Rank-stabilised scaling',
      help: 'Scales by alpha / √r in place of alpha / r, which keeps large ranks learning.',
    }),
    lora_dropout: number({
      default: 0,
      min: 0,
      below: 1,
      label: 'Dropout',
      help: 'Probability with which an input of the adapter branch is dropped in training. The base path is never dropped.',
    }),
    target_modules: union(
      [
        choice(['all-linear'], { ...part, default: 'all-linear' }),
        text({ ...part, expected: 'a regular expression over whole module paths' }),
        names,
      ],
      {
        default: 'all-linear',
        label: 'Target modules',
        help: 'Layers that get an adapter: all-linear (every linear layer but the head), a list of module names, or a regular expression that must match a whole module path.',
        group: 'Targets',
      },
    ),
    exclude_modules: union([text({ ...part, expected: 'a regular expression' }), names], {
      optional: true,
      label: 'Exclude modules',
      help: 'Modules left out of the targets: a list of names or a regular expression. Wins over the targets.',
      group: 'Targets',
    }),
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
    rank_pattern: map(integer({ ...part, min: 1 }), {
      default: {},
      label: 'Rank pattern',
      help: 'Ranks of single modules: a name, or a regular expression for the end of a module path, and the rank there. The first match wins.',
      group: 'Targets',
    }),
    alpha_pattern: map(number({ ...part, above: 0 }), {
      default: {},
      label: 'Alpha pattern',
      help: 'Alphas of single modules, in the same way as ranks.',
      group: 'Targets',
    }),
    modules_to_save: list(name, {
      optional: true,
      label: 'Modules to save',
      help: 'Modules that are trained in full and stored with the adapter, for example lm_head or embed_tokens. Some serving engines refuse such adapters.',
      group: 'Also trained',
    }),
    bias: choice(['none', 'all', 'lora_only'], {
      default: 'none',
      label: 'Bias',
      help: 'Biases that are trained too: none, all of the model, or those of the adapted layers. Switching the adapter off then no longer restores the base model.',
      group: 'Also trained',
    }),
  },
  supports: () => true,
  params: (site, { r }) => ({
    lora_A: { shape: [r, site.inFeatures], init: { kind: 'kaimingUniform' }, trainable: true },
    lora_B: { shape: [site.outFeatures, r], init: { kind: 'zeros' }, trainable: true },
  }),
  configOf: ({ path }, config) => ({
    ...config,
    r: patternValue(config.rank_pattern, path, 'rank_pattern') ?? config.r,
    lora_alpha: patternValue(config.alpha_pattern, path, 'alpha_pattern') ?? config.lora_alpha,
  }),
  mergedWeight: (baseWeight, { lora_A, lora_B }, config) =>
    lowRankMerged(baseWeight, lora_A, lora_B, scalingOf(config)),
  unmergedWeight: (mergedWeight, { lora_A, lora_B }, config) =>
    lowRankMerged(mergedWeight, lora_A, lora_B, -scalingOf(config)),
  // The same result without ever forming the delta weight.
  forward: ({ x, params, baseOutput, dropout }, config) =>
    lowRankForward(baseOutput(), dropout(x), params.lora_A, params.lora_B, scalingOf(config)),
  factors: ({ lora_A, lora_B }, _site, config) => ({
    a: lora_A,
    b: lora_B,
    rank: config.r,
    scaling: scalingOf(config),
  }),
  dropout: (config) => config.lora_dropout,
  selection: (config) => ({
    targetModules: config.target_modules,
    excludeModules: config.exclude_modules ?? null,
    layersToTransform: config.layers_to_transform === undefined ? null : [config.layers_to_transform].flat(),
    layersPattern: config.layers_pattern === undefined ? [] : [config.layers_pattern].flat(),
    modulesToSave: config.modules_to_save ?? [],
    bias: config.bias,
  }),
});
