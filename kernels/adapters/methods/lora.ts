/**
 * @file LoRA: W' = W + s·B·A with A [r, in] and B [out, r], s = alpha/r (Hu et al. 2021, section 4.1), or alpha/√r for
 * rank-stabilised LoRA (Kalajdzievski 2023). A starts Kaiming-uniform as in all published adapters (the paper's text
 * says Gaussian), B at zero.
 */
import { lowRankFields, lowRankForward, lowRankMerged, scalingOf } from '../lowRank';
import { lowRankActivity } from '../lowRankActivity';
import { alphaPatternField, selectionFields, selectionOf, withPatterns } from '../selectionFields';
import { defineAdapter } from '../types';

export const lora = defineAdapter({
  id: 'lora',
  label: 'LoRA',
  summary:
    'W + s·B·A: two trained factors of rank r beside a frozen weight, s = alpha/r (alpha/√r with use_rslora). Merges exactly; every serving engine loads it.',
  paper: 'https://arxiv.org/abs/2106.09685',
  peft: { peft_type: 'LORA', use_dora: false, lora_bias: false },
  config: {
    ...lowRankFields,
    ...selectionFields,
    ...alphaPatternField,
  },
  supports: () => true,
  params: (site, { r }) => ({
    lora_A: { shape: [r, site.inFeatures], init: { kind: 'kaimingUniform' }, trainable: true },
    lora_B: { shape: [site.outFeatures, r], init: { kind: 'zeros' }, trainable: true },
  }),
  configOf: ({ path }, config) => withPatterns(path, config),
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
  activity: lowRankActivity,
  dropout: (config) => config.lora_dropout,
  selection: (config) => selectionOf(config),
});
