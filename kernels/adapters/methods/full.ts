/** @file Full fine-tuning: every tensor of the base model is trained. What the papers compare their methods with. */
import { defineBaseTraining } from '../baseTraining';

export const full = defineBaseTraining({
  id: 'full',
  label: 'Full fine-tuning',
  summary:
    'Trains every tensor of the base model: as many trainable parameters as the model has. In memory each takes 20 bytes ' +
    '(value, two moments of the optimiser, gradient twice) before activations, in each checkpoint 12 bytes. No adapter: a run ' +
    'leaves the whole model in float32. Learning rates of 1e-5 to 5e-5 are usual, far below those of adapters; steps so small ' +
    'are partly rounded away when they are merged in 16 bits, so merge with f32 to keep them.',
  paper: 'https://arxiv.org/abs/2106.09685',
  config: {},
  base: () => ({ trains: () => true, refuses: () => undefined }),
});
