/**
 * @file Fine-tuning of the last transformer blocks alone, with their norms, without the final norm and the head: FT-top2 of
 * the LoRA paper (Hu et al. 2021, table 3; with GPT-2 medium exactly the 25.19 M parameters of two blocks).
 */
import * as l10n from '@vscode/l10n';
import { integer } from '../../util/fields';
import { defineBaseTraining } from '../baseTraining';

export const lastLayers = defineBaseTraining({
  id: 'last_layers',
  label: 'Last layers',
  summary:
    'Trains the last transformer blocks themselves, nothing else: the trainable parameters of these blocks. In memory each ' +
    'takes 20 bytes (value, two moments of the optimiser, gradient twice), in each checkpoint 12 bytes. The backward pass ' +
    'ends at the first of them, so that steps are faster and need less memory than those of full fine-tuning.',
  paper: 'https://arxiv.org/abs/2106.09685',
  config: {
    num_layers: integer({
      default: 2,
      min: 1,
      label: 'Last blocks',
      help: 'How many transformer blocks are trained, counted from the last one. The embeddings, the final norm and the head stay as they are.',
    }),
  },
  base: ({ num_layers: count }) => ({
    trains: ({ block }, blocks) => block !== null && block >= blocks - count,
    refuses: (_, blocks) =>
      count <= blocks
        ? undefined
        : {
            key: 'num_layers',
            found: l10n.t('is {0}, but the number of transformer blocks of this model is {1}', count, blocks),
            expected: l10n.t('expected at most {0}', blocks),
          },
  }),
});
