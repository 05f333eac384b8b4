/** @file BERT: positions count from 0, two kinds of tokens for pairs of texts; the head is classifier(tanh(pooler(first token))). */
import { tanh } from '../graph/ops';
import { answersOf, encoderFamily, linearSite, linearTensors, type EncoderConfig } from './encoder';
import type { TargetSite } from './types';

const POOLER = 'bert.pooler.dense';

const poolerSite = ({ hiddenSize }: EncoderConfig): TargetSite => linearSite(POOLER, -1, hiddenSize, hiddenSize);

export const bert = encoderFamily({
  id: 'bert',
  prefix: 'bert.',
  classes: /^Bert(ForSequenceClassification|ForMaskedLM|ForPreTraining|ForNextSentencePrediction|Model)$/,
  headClass: 'BertForSequenceClassification',
  maxLength: (maxPositions) => maxPositions,
  // Part of the encoder for PEFT, which adapts it with `all-linear` and `dense`.
  headSites: (config) => [poolerSite(config)],
  positions: (_, ids, length) => ids.map((_id, i) => i % length),

  head: (config) => {
    const { hiddenSize: hidden } = config;
    return {
      path: 'classifier',
      modules: new Map([
        ['bert.pooler', linearTensors(POOLER, hidden, hidden, config)],
        ['classifier', linearTensors('classifier', hidden, answersOf(config), config)],
      ]),
      logits: (first, _, linear) => {
        const pooled = tanh(linear(poolerSite(config), first));
        return linear(linearSite('classifier', -1, hidden, answersOf(config)), pooled); // [texts, labels]
      },
    };
  },
});
