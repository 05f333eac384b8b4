/** @file BitFit: every bias of the base model is trained, the shifts of its norms included, and nothing else (Ben Zaken et al. 2021). */
import * as l10n from '@vscode/l10n';
import { flag } from '../../util/fields';
import { defineBaseTraining } from '../baseTraining';

/** Any name that ends so: also where a family writes the bias as a part of a longer word. */
const isBias = (name: string): boolean => name.endsWith('bias');

export const bitfit = defineBaseTraining({
  id: 'bitfit',
  label: 'BitFit',
  summary:
    'Trains the biases of the base model, those of its norms included: about one parameter in a thousand, fewer than LoRA of ' +
    'rank 1 in most models. A step takes hardly less memory and time than with LoRA: the backward pass goes through the whole ' +
    'model. Only for models with biases, such as GPT-2; LLaMA and its relatives have none. The paper trains with 1e-4 to 1e-3.',
  paper: 'https://arxiv.org/abs/2106.10199',
  config: {
    train_head: flag({
      optional: true,
      label: 'Task head',
      help: 'Whether the weights of a classification or regression head are trained too. They are unless this says no; one that the checkpoint does not have is trained in any case. Language models have none.',
    }),
  },
  base: ({ train_head: trainsHead }) => ({
    trains: ({ name, isTaskHead }) => isBias(name) || (isTaskHead && trainsHead !== false),
    refuses: (tensors) => {
      if (trainsHead !== undefined && !tensors.some(({ isTaskHead }) => isTaskHead)) {
        const found = l10n.t('has no effect: this model has no task head');
        return { key: 'train_head', found, expected: l10n.t('remove this key') };
      }
      return tensors.some(({ name }) => isBias(name))
        ? undefined
        : {
            key: 'method',
            found: l10n.t('BitFit would train nothing: this model has no biases'),
            expected: l10n.t('expected a model with biases, or another method, such as lora'),
          };
    },
  }),
});
