/** @file Llama: RMS norms, rotary positions, grouped-query attention, SwiGLU (Touvron et al. 2023). */
import { plainRule } from './blocks/attention';
import { decoderFamily } from './blocks/decoder';
import { attentionBiases, readDecoder } from './blocks/decoderConfig';
import { llamaParts } from './blocks/llamaBlock';
import { readRope } from './blocks/ropeFields';
import { onlySilu } from './blocks/activations';
import { everyLayer } from './blocks/windowRules';

export const llama = decoderFamily({
  ...llamaParts,
  id: 'llama',
  read: (read) =>
    readDecoder(read, {
      activation: onlySilu,
      rules: ({ layers, headDim }) => everyLayer(plainRule(headDim, readRope(read)), layers),
      biases: { ...attentionBiases(read), mlp: read.flag('mlp_bias', false) },
    }),
});
