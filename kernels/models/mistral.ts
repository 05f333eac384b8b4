/** @file Mistral: llama whose layers all attend within a window, where it has one (Jiang et al. 2023, section 2). */
import { onlySilu } from './blocks/activations';
import { plainRule } from './blocks/attention';
import { decoderFamily } from './blocks/decoder';
import { NO_BIASES, readDecoder } from './blocks/decoderConfig';
import { llamaParts } from './blocks/llamaBlock';
import { readRope } from './blocks/ropeFields';
import { oneWindow } from './blocks/windowRules';

/** Of the published configuration, where config.json leaves it out. */
const WINDOW = 4096;

export const mistral = decoderFamily({
  ...llamaParts,
  id: 'mistral',
  read: (read) =>
    readDecoder(read, {
      activation: onlySilu,
      rules: ({ layers, headDim }) => oneWindow(read, layers, WINDOW, plainRule(headDim, readRope(read))),
      biases: NO_BIASES,
    }),
});
