/**
 * @file LoRA: W' = W + s·B·A with A [r, in] and B [out, r], s = alpha/r (Hu et al. 2021, section 4.1), or alpha/√r for
 * rank-stabilised LoRA (Kalajdzievski 2023). A starts Kaiming-uniform as in all published adapters (the paper's text
 * says Gaussian), B at zero, unless `init_lora_weights` says otherwise. With `lora_bias`, b' = b + s·b_B.
 */
import * as l10n from '@vscode/l10n';
import { add, scale } from '../../graph/ops';
import type { TargetSite } from '../../models/types';
import { flag } from '../../util/fields';
import { factorStartField, factorStarts, principalRounds, startRefusal, storedStart } from '../factorStarts';
import { groupOf, lowRankEmbedded, lowRankFields, lowRankForward, lowRankMerged, scalingOf } from '../lowRank';
import { lowRankActivity, movedBias, scalingProbes } from '../lowRankActivity';
import type { InitialFactor } from '../pissa';
import { doubled, initialFactorSpecs, joinFactors, residualLayer, residualWeight, splitFactors } from '../pissa';
import { alphaPatternField, selectionFields, selectionOf, withPatterns } from '../selectionFields';
import { defineAdapter } from '../types';
import type { NamedTensors, ParamSpec } from '../types';

const fields = {
  ...lowRankFields,
  init_lora_weights: factorStartField,
  lora_bias: flag({
    default: false,
    label: 'Bias of the second factor',
    help: 'Trains a bias beside B, scaled like the update and added to the bias of the layer, which must have one.',
  }),
  ...selectionFields,
  ...alphaPatternField,
};

export const lora = defineAdapter<typeof fields, 'lora_A' | 'lora_B', 'lora_B.bias' | InitialFactor>({
  id: 'lora',
  label: 'LoRA',
  summary:
    'W + s·B·A: two trained factors of rank r beside a frozen weight, s = alpha/r (alpha/√r with use_rslora). Merges exactly; every serving engine loads it.',
  paper: 'https://arxiv.org/abs/2106.09685',
  peft: { peft_type: 'LORA', use_dora: false },
  config: fields,
  supports: (site, { r, lora_bias, init_lora_weights }) => {
    if (lora_bias && site.bias === null) {
      return {
        key: 'lora_bias',
        reason: l10n.t('lora_bias needs a layer with a bias to be merged into; turn it off, or target others'),
      };
    }
    return startRefusal(init_lora_weights, site, r) ?? true;
  },
  params: (site, config) => {
    const { r, lora_bias, init_lora_weights: start } = config;
    const starts = factorStarts(start, site, r, scalingOf(config));
    const bias: ParamSpec = { shape: [site.outFeatures], init: { kind: 'zeros' }, trainable: true, decays: false };
    return {
      lora_A: { shape: [r, site.inFeatures], init: starts.A, trainable: true, ...groupOf(site) },
      lora_B: { shape: [site.outFeatures, r], init: starts.B, trainable: true, ...groupOf(site) },
      ...(lora_bias && { 'lora_B.bias': bias }),
      ...initialFactorSpecs(site, r, start, starts),
    };
  },
  stored: (config) => {
    const { init_lora_weights: start, lora_bias } = config;
    const written = { ...config, init_lora_weights: storedStart(start, lora_bias) };
    if (principalRounds(start) !== undefined) {
      const rankAt = ({ path }: TargetSite): number => withPatterns(path, config).r;
      return {
        config: doubled(written),
        pack: (params, site) => joinFactors(params, rankAt(site)),
        unpack: (stored, site) => splitFactors(stored, rankAt(site)),
      };
    }
    const same = (tensors: NamedTensors): NamedTensors => tensors;
    return written.init_lora_weights === start ? undefined : { config: written, pack: same, unpack: same };
  },
  configOf: ({ path }, config) => withPatterns(path, config),
  mergedWeight: (baseWeight, params, config) => {
    const s = scalingOf(config);
    return lowRankMerged(residualWeight(baseWeight, params, s), params.lora_A, params.lora_B, s);
  },
  unmergedWeight: (mergedWeight, params, config) => {
    const s = scalingOf(config);
    return residualWeight(lowRankMerged(mergedWeight, params.lora_A, params.lora_B, -s), params, -s);
  },
  deltaBias: ({ 'lora_B.bias': bias }, config) => bias && scale(bias, scalingOf(config)),
  // The same result without ever forming the delta weight.
  forward: (layer, config) => {
    const s = scalingOf(config);
    const { lora_A: a, lora_B: b, 'lora_B.bias': bias } = layer.params;
    const { x, baseOutput, dropout } = residualLayer(layer, s);
    const output = lowRankForward(baseOutput(), dropout(x), a, b, s);
    return bias ? add(output, scale(bias, s)) : output;
  },
  embed: ({ x, params, baseOutput }, config) =>
    lowRankEmbedded(baseOutput(), x, params.lora_A, params.lora_B, scalingOf(config)),
  factors: (params, _site, config) => {
    const { r, init_lora_weights: start } = config;
    const isJoined = principalRounds(start) !== undefined;
    const { lora_A: a, lora_B: b } = isJoined ? joinFactors(params, r) : params;
    return { a, b, rank: isJoined ? 2 * r : r, scaling: scalingOf(config) };
  },
  probes: scalingProbes,
  activity: [...lowRankActivity, movedBias],
  dropout: (config) => config.lora_dropout,
  selection: (config) => selectionOf(config),
});
