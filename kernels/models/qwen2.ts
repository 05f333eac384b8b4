/** @file Qwen 2 and 2.5: llama with biases on queries, keys and values (Yang et al. 2024, section 2.2.1). */
import { onlySilu } from './blocks/activations';
import { plainRule } from './blocks/attention';
import { decoderFamily } from './blocks/decoder';
import { NO_BIASES, readDecoder } from './blocks/decoderConfig';
import { llamaParts } from './blocks/llamaBlock';
import { qwenWindows } from './blocks/qwenWindows';
import { readRope } from './blocks/ropeFields';

export const qwen2 = decoderFamily({
  ...llamaParts,
  id: 'qwen2',
  read: (read) =>
    readDecoder(read, {
      activation: onlySilu,
      rules: ({ layers, headDim }) => qwenWindows(read, layers, plainRule(headDim, readRope(read))),
      biases: { ...NO_BIASES, qkv: true },
    }),
});
