/**
 * @file RoBERTa and XLM-RoBERTa: positions count the tokens that are no padding, from pad_token_id + 1; the head is
 * out_proj(tanh(dense(first token))).
 */
import { tanh } from '../graph/ops';
import { answersOf, encoderFamily, linearSite, linearTensors, type EncoderConfig } from './encoder';
import type { ModelArchitecture } from './types';

export const roberta = family('roberta', 'Roberta');
export const xlmRoberta = family('xlm-roberta', 'XLMRoberta');

function family(id: string, name: string): ModelArchitecture<EncoderConfig> {
  return encoderFamily({
    id,
    prefix: 'roberta.',
    classes: /^(XLM)?Roberta(ForSequenceClassification|ForMaskedLM|Model)$/,
    headClass: `${name}ForSequenceClassification`,
    maxLength: (maxPositions, padId) => maxPositions - padId - 1,
    headSites: () => [],

    // transformers, create_position_ids_from_input_ids: padding in the middle of a text has no number of its own.
    positions: ({ padId }, ids, length) => {
      let last = padId;
      return ids.map((id, i) => {
        if (i % length === 0) last = padId;
        return id === padId ? padId : ++last;
      });
    },

    head: (config) => {
      const { hiddenSize: hidden } = config;
      const dense = 'classifier.dense';
      const out = 'classifier.out_proj';
      return {
        path: 'classifier',
        modules: new Map([
          [
            'classifier',
            [...linearTensors(dense, hidden, hidden, config), ...linearTensors(out, hidden, answersOf(config), config)],
          ],
        ]),
        logits: (first, _, linear) => {
          const inner = tanh(linear(linearSite(dense, -1, hidden, hidden), first));
          return linear(linearSite(out, -1, hidden, answersOf(config)), inner); // [texts, labels]
        },
      };
    },
  });
}
