/**
 * @file Gemma 2: Gemma with norms behind each half of a block as well, soft caps on scores and logits, a scaling of the
 * scores of its own, and a window in every other layer (Gemma Team 2024b, section 2).
 */
import { scale } from '../graph/ops';
import { onlyTanhGelu } from './blocks/activations';
import type { AttentionRule } from './blocks/attention';
import { decoderFamily } from './blocks/decoder';
import { attentionBiases, readDecoder } from './blocks/decoderConfig';
import { attention, gatedMlp, geglu, llamaParts, sandwichBlock, sandwichNorms } from './blocks/llamaBlock';
import { offsetRmsNorm } from './blocks/norms';
import { readRope } from './blocks/ropeFields';
import { readWindow, windowRules } from './blocks/windowRules';

export const gemma2 = decoderFamily({
  ...llamaParts,
  id: 'gemma2',
  read: (read) => {
    const rule: AttentionRule = {
      rope: readRope(read),
      scale: 1 / Math.sqrt(read.positive('query_pre_attn_scalar', 256)),
      window: null,
      softCap: read.positiveOrNone('attn_logit_softcapping', 50),
    };
    return readDecoder(read, {
      activation: onlyTanhGelu,
      rules: ({ layers }) =>
        windowRules(read, layers, readWindow(read, 4096), (layer) => layer % 2 === 0, { full: rule, sliding: rule }),
      biases: attentionBiases(read),
      isTied: true,
      logitSoftCap: read.positiveOrNone('final_logit_softcapping', 30),
    });
  },
  norms: sandwichNorms,
  norm: offsetRmsNorm,
  embed: (x, { hiddenSize }) => scale(x, Math.sqrt(hiddenSize)),
  block: (x, block) =>
    sandwichBlock(
      x,
      block,
      (v) => attention(block, v),
      (v) => gatedMlp(block, v, geglu),
    ),
});
