/**
 * @file DoRA: W' = diag(m/c)·V with V = W + s·B·A, c the row norms of V, m one trained magnitude per output (Liu et al.
 * 2024, equation 5; the axis is that of the released models, not of the paper's letters). The norm is detached in backward
 * unless told (section 4.3), so that c only scales. m starts as the row norms of W: a fresh adapter changes nothing.
 */
import { add, div, gemm, mul, stopGradient, sub } from '../../graph/ops';
import { choice, flag } from '../../util/fields';
import { lowRankFields, lowRankMerged, scalingOf } from '../lowRank';
import { column, factoredNorm, rowNorm } from '../rowNorms';
import { movedA, movedB } from '../lowRankActivity';
import { magnitudeDrift } from '../magnitudeActivity';
import { alphaPatternField, selectionFields, selectionOf, withPatterns } from '../selectionFields';
import { defineAdapter } from '../types';

const fields = {
  ...lowRankFields,
  norm_gradient: choice(['detached', 'full'], {
    default: 'detached',
    isTrainingOnly: true,
    label: 'Gradient of the norm',
    help: 'detached: the norm only scales and is a constant of the backward pass, as in the released models. full: the gradient flows through it, as equation 5 is written.',
  }),
  decay_magnitude: flag({
    default: false,
    isTrainingOnly: true,
    label: 'Decay the magnitude',
    help: 'Weight decay shrinks the magnitude too, as in PEFT, and with it the output of the layer. Off: only the factors decay.',
  }),
  ...selectionFields,
  ...alphaPatternField,
};

export const dora = defineAdapter({
  id: 'dora',
  label: 'DoRA',
  summary:
    'diag(m/‖V‖)·V with V = W + s·B·A: LoRA turns the rows of the weight, a trained magnitude m per output sets their lengths. Merges exactly.',
  paper: 'https://arxiv.org/abs/2402.09353',
  peft: { peft_type: 'LORA', use_dora: true, lora_bias: false },
  config: fields,
  supports: () => true,
  params: (site, { r, decay_magnitude }) => ({
    lora_A: { shape: [r, site.inFeatures], init: { kind: 'kaimingUniform' }, trainable: true },
    lora_B: { shape: [site.outFeatures, r], init: { kind: 'zeros' }, trainable: true },
    lora_magnitude_vector: {
      shape: [site.outFeatures],
      init: { kind: 'baseRowNorms' },
      trainable: true,
      decays: decay_magnitude,
    },
  }),
  configOf: ({ path }, config) => withPatterns(path, config),
  mergedWeight: (baseWeight, { lora_A, lora_B, lora_magnitude_vector: m }, config) => {
    const v = lowRankMerged(baseWeight, lora_A, lora_B, scalingOf(config));
    return mul(v, column(div(m, rowNorm(v))));
  },
  // c is that of the merged weight's own base: it cannot be told from the merged weight alone.
  unmergedWeight: null,
  // Y = x·Wᵀ + b + (g − 1) ⊙ (x~·Wᵀ) + s·g ⊙ (x~·Aᵀ)·Bᵀ with g = m/c, x~ the input after dropout. Where nothing is dropped
  // the base product is shared: Y = g ⊙ (x·Wᵀ + s·(x·Aᵀ)·Bᵀ) + b.
  forward: ({ x, params, baseWeight, baseBias, baseOutput, dropout }, config) => {
    const { lora_A: a, lora_B: b, lora_magnitude_vector: m } = params;
    const s = scalingOf(config);
    const norm = factoredNorm(baseWeight(), a, b, s);
    const g = div(m, config.norm_gradient === 'full' ? norm : stopGradient(norm));
    const dropped = dropout(x);
    const product = gemm(dropped, baseWeight(), { transB: true });
    const scaled = mul(gemm(gemm(dropped, a, { transB: true }), b, { transB: true, alpha: s, c: product }), g);
    if (dropped !== x) return add(sub(scaled, product), baseOutput());
    const bias = baseBias();
    return bias ? add(scaled, bias) : scaled;
  },
  activity: [magnitudeDrift, movedA, movedB],
  dropout: (config) => config.lora_dropout,
  selection: (config) => selectionOf(config),
});
