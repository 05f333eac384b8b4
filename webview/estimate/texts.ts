/** @file The words for what an estimate holds as names. */
import * as l10n from '@vscode/l10n';
import type { EstimateAdvice, EstimateGap, MemoryParts, ShapeUse } from '../../kernels/protocol/calls/estimate';
import { formatBytes, formatCount } from '../shared/format';

export interface PartText {
  readonly name: string;
  readonly help: string;
}

/** In the order in which they are drawn. */
export function partTexts(): Readonly<Record<keyof MemoryParts, PartText>> {
  return {
    weights: {
      name: l10n.t('Base weights'),
      help: l10n.t('Mapped from the files of the checkpoint: the system can drop and read them again.'),
    },
    adapter: {
      name: l10n.t('Adapter'),
      help: l10n.t('Its tensors, trained and frozen; with restarts also those that were merged.'),
    },
    activity: {
      name: l10n.t('Adapter as it started'),
      help: l10n.t('A copy that its changes are measured against, to tell whether the method is active.'),
    },
    optimiser: { name: l10n.t('Optimiser'), help: l10n.t('Two moments of each trained parameter.') },
    gradients: { name: l10n.t('Gradients'), help: l10n.t('Of the last two batches, and their sum over a step.') },
    activations: {
      name: l10n.t('Activations'),
      help: l10n.t('Results of the forward pass that the backward pass needs. They grow with the tokens of a batch.'),
    },
    workspace: {
      name: l10n.t('Graph workspace'),
      help: l10n.t('Logits, gradients on their way, widened weights.'),
    },
    graphs: { name: l10n.t('Compiled graphs'), help: l10n.t('One for each shape of a batch.') },
    runtime: { name: l10n.t('Engine'), help: l10n.t('The program, the tokenizer, the table of samples.') },
    mappings: {
      name: l10n.t('Counted twice'),
      help: l10n.t('Each further graph maps the weights again. System tools count that; it is no memory of its own.'),
    },
  };
}

export function gapText(gap: EstimateGap): string {
  switch (gap) {
    case 'gpu-memory':
      return l10n.t('How much memory the GPU has free, and what its driver adds.');
    case 'time':
      return l10n.t('How long it takes: nothing was measured yet.');
    case 'system':
      return l10n.t('The fixed part of the memory on this system: it was measured on Linux.');
    case 'early-stopping':
      return l10n.t('When early stopping will end the run. The time is that of all steps.');
    case 'counted-steps':
      return l10n.t('The batches of the later steps: the run is very long, and its first steps were counted.');
  }
}

export function adviceText({ key, from, to, neededBytes }: EstimateAdvice): string {
  const needed = formatBytes(neededBytes);
  return key === 'data.max_length'
    ? l10n.t('Cut samples at {0} tokens instead of {1}: {2}', formatCount(to), formatCount(from), needed)
    : l10n.t('Batches of {0} samples instead of {1}: {2}', formatCount(to), formatCount(from), needed);
}

/** `4 × 512 tokens` */
export const shapeText = ({ batch, length }: Pick<ShapeUse, 'batch' | 'length'>): string =>
  l10n.t('{0} × {1} tokens', formatCount(batch), formatCount(length));
