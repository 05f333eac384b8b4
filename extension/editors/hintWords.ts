/** @file The figures of a configuration in words: at the ends of its lines and in the form. */
import { l10n } from 'vscode';
import type { ConfigHint } from '../../kernels/protocol/calls/config';
import type { QuickEstimate } from '../../kernels/protocol/calls/estimate';
import { formatBytes, formatCount, formatNumber } from '../util/format';

export interface HintWords {
  readonly label: string;
  /** What the figure means. */
  readonly tooltip: string;
}

/** Undefined for the memory of the run while it is not known. */
export function hintWords(hint: ConfigHint, memory: QuickEstimate | undefined): HintWords | undefined {
  switch (hint.kind) {
    case 'parameters': {
      const share = formatNumber(Number(((100 * hint.trainable) / hint.base).toPrecision(2)));
      return {
        label: l10n.t('{0} trainable, {1} % of the base', formatCount(hint.trainable), share),
        tooltip: l10n.t(
          '{0} of {1} parameters are trained.',
          hint.trainable.toLocaleString(),
          hint.base.toLocaleString(),
        ),
      };
    }
    case 'modules':
      return {
        label: l10n.t('{0} of {1} linear layers', hint.matched, hint.total),
        tooltip: l10n.t('Layers of the base model that get an adapter.'),
      };
    case 'samples':
      return {
        label:
          hint.evaluation > 0
            ? l10n.t('{0} samples, {1} for evaluation', hint.samples.toLocaleString(), hint.evaluation.toLocaleString())
            : l10n.t('{0} samples', hint.samples.toLocaleString()),
        tooltip: l10n.t('Samples that can be trained on: those without a token that carries loss are left out.'),
      };
    case 'batch':
      return {
        label: l10n.t('{0} samples a step', hint.samples.toLocaleString()),
        tooltip: l10n.t('Effective batch size: samples of a batch times accumulated batches.'),
      };
    case 'steps': {
      const epochs = formatNumber(Number(hint.epochs.toPrecision(3)));
      return {
        label: l10n.t('{0} steps, {1} an epoch', hint.total.toLocaleString(), hint.perEpoch.toLocaleString()),
        tooltip: l10n.t('Optimiser steps of the run; in an epoch all samples are read once. Epochs: {0}.', epochs),
      };
    }
    case 'memory':
      return memory && memoryWords(memory);
  }
}

function memoryWords({ peakBytes, basis, tokensPerBatch }: QuickEstimate): HintWords {
  const size = formatBytes(peakBytes);
  if (basis === 'tokens') {
    const tooltip = l10n.t(
      'Estimated memory of the run with batches of up to {0} tokens, from the data.',
      tokensPerBatch,
    );
    return { label: l10n.t('about {0} at the peak', size), tooltip };
  }
  const tooltip = l10n.t(
    'Estimated memory of the run if every sample is as long as max_length: {0} tokens a batch.',
    tokensPerBatch,
  );
  return { label: l10n.t('up to {0} at the peak', size), tooltip };
}
