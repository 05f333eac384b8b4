/**
 * @file Gemma: llama with GeGLU, norms by 1 + weight, embeddings times √hidden and a head tied to them (Gemma Team 2024,
 * section 2). The factor is rounded to the dtype of the computation, which is float32 here.
 */
import { scale } from '../graph/ops';
import { onlyTanhGelu } from './blocks/activations';
import { plainRule } from './blocks/attention';
import { decoderFamily } from './blocks/decoder';
import { attentionBiases, readDecoder } from './blocks/decoderConfig';
import { attention, gatedMlp, geglu, llamaParts, preNormBlock } from './blocks/llamaBlock';
import { offsetRmsNorm } from './blocks/norms';
import { readRope } from './blocks/ropeFields';
import { everyLayer } from './blocks/windowRules';

export const gemma = decoderFamily({
  ...llamaParts,
  id: 'gemma',
  read: (read) =>
    readDecoder(read, {
      // Older configurations say gelu and mean the approximation.
      activation: () => onlyTanhGelu(read, ['gelu']),
      rules: ({ layers, headDim }) => everyLayer(plainRule(headDim, readRope(read)), layers),
      biases: attentionBiases(read),
      isTied: true,
    }),
  norm: offsetRmsNorm,
  embed: (x, { hiddenSize }) => scale(x, Math.sqrt(hiddenSize)),
  block: (x, block) =>
    preNormBlock(
      x,
      block,
      (v) => attention(block, v),
      (v) => gatedMlp(block, v, geglu),
    ),
});
