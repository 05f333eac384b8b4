/** @file Qwen 3: llama whose queries and keys are normed head by head before they are turned (Yang et al. 2025, section 2). */
import { swiglu } from '../graph/ops';
import { onlySilu } from './blocks/activations';
import { plainRule } from './blocks/attention';
import { decoderFamily } from './blocks/decoder';
import { attentionBiases, readDecoder } from './blocks/decoderConfig';
import { attentionWithNormedHeads, gatedMlp, headNorms, llamaParts, preNormBlock } from './blocks/llamaBlock';
import { qwenWindows } from './blocks/qwenWindows';
import { readRope } from './blocks/ropeFields';

export const qwen3 = decoderFamily({
  ...llamaParts,
  id: 'qwen3',
  read: (read) =>
    readDecoder(read, {
      activation: onlySilu,
      rules: ({ layers, headDim }) => qwenWindows(read, layers, plainRule(headDim, readRope(read))),
      biases: attentionBiases(read),
    }),
  norms: (config) => ({ ...llamaParts.norms(config), ...headNorms(config) }),
  block: (x, block, { headDim }) =>
    preNormBlock(
      x,
      block,
      (v) => attentionWithNormedHeads(block, v, headDim),
      (v) => gatedMlp(block, v, swiglu),
    ),
});
