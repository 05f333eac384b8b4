/**
 * @file Gemma 3, the text models: Gemma 2 with normed queries and keys in place of soft caps, five layers with a window to each
 * that sees all, and rotary frequencies of their own for the two kinds (Gemma Team 2025, section 2).
 */
import * as l10n from '@vscode/l10n';
import { scale } from '../graph/ops';
import { onlyTanhGelu } from './blocks/activations';
import type { AttentionRule } from './blocks/attention';
import { decoderFamily } from './blocks/decoder';
import { attentionBiases, readDecoder } from './blocks/decoderConfig';
import {
  attentionWithNormedHeads,
  gatedMlp,
  geglu,
  headNorms,
  llamaParts,
  sandwichBlock,
  sandwichNorms,
} from './blocks/llamaBlock';
import { offsetRmsNorm } from './blocks/norms';
import { readRopeOfEach } from './blocks/ropeFields';
import { readWindow, windowRules } from './blocks/windowRules';

export const gemma3 = decoderFamily({
  ...llamaParts,
  id: 'gemma3_text',
  read: (read) => {
    read.only('attn_logit_softcapping', [], l10n.t('expected none; scores are not capped in this family'));
    const ropes = readRopeOfEach(read, { full: 1_000_000, sliding: 10_000 });
    const period = read.count('sliding_window_pattern', 6);
    const full: AttentionRule = {
      rope: ropes.full,
      scale: 1 / Math.sqrt(read.positive('query_pre_attn_scalar', 256)),
      window: null,
      softCap: null,
    };
    const slides = (layer: number): boolean => (layer + 1) % period !== 0;
    return readDecoder(read, {
      activation: onlyTanhGelu,
      rules: ({ layers }) =>
        windowRules(read, layers, readWindow(read, 4096), slides, { full, sliding: { ...full, rope: ropes.sliding } }),
      biases: attentionBiases(read),
      isTied: true,
      logitSoftCap: read.positiveOrNone('final_logit_softcapping', null),
    });
  },
  norms: (config) => ({ ...sandwichNorms(config), ...headNorms(config) }),
  norm: offsetRmsNorm,
  embed: (x, { hiddenSize }) => scale(x, Math.sqrt(hiddenSize)),
  block: (x, block, { headDim }) =>
    sandwichBlock(
      x,
      block,
      (v) => attentionWithNormedHeads(block, v, headDim),
      (v) => gatedMlp(block, v, geglu),
    ),
});
