/** @file A method description like that of LoRA, so that the configuration is tested without the engine. */
import type { ConfigurableMethod } from '../../../kernels/config/schema';
import { choice, flag, integer, list, map, number, part, text, union, type Fields } from '../../../kernels/util/fields';

const names = list(text(part), part);

export const loraFields = {
  r: integer({ label: 'Rank', help: 'Rank of the update.', default: 8, min: 1, max: 4096 }),
  lora_alpha: number({ label: 'Alpha', help: 'Scaling numerator.', default: 16, above: 0 }),
  lora_dropout: number({ label: 'Dropout', help: 'Share of inputs dropped.', default: 0, min: 0, below: 1 }),
  target_modules: union([text({ ...part, expected: 'a regular expression or all-linear' }), names], {
    label: 'Target modules',
    help: 'Which layers are adapted.',
    default: 'all-linear',
  }),
  rank_pattern: map(integer({ ...part, min: 1 }), { label: 'Rank pattern', help: 'Ranks by module.', optional: true }),
  use_rslora: flag({ label: 'Rank-stabilised', help: 'Scale by alpha/√r.', default: false }),
  bias: choice(['none', 'all', 'lora_only'], { label: 'Bias', help: 'Which biases train.', default: 'none' }),
} satisfies Fields;

export const methods: readonly ConfigurableMethod[] = [
  { id: 'lora', label: 'LoRA', summary: 'Two factors.', config: loraFields },
  {
    id: 'dora',
    label: 'DoRA',
    summary: 'Direction and magnitude.',
    config: { ...loraFields, detach_norm: flag({ label: 'Detach', help: 'Detach the norm.', default: true }) },
  },
];
