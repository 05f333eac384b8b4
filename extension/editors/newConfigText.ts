/** @file The text of a new configuration: short, commented, and fitting its model and data so that it trains as it is. */
import { l10n } from 'vscode';
import { stringify } from 'yaml';
import type { NewConfigAdvice } from '../../kernels/protocol/calls/config';

export interface NewConfig {
  /** Paths as they are written in the file, relative to it or absolute. */
  readonly model: string;
  readonly train: string;
  /** What the engine found out about the two. */
  readonly advice: NewConfigAdvice;
}

export function configText({ model, train, advice }: NewConfig): string {
  const scalar = (text: string) => stringify(text).trimEnd();
  const { format, maxLength, evalFraction, batchSize } = advice;
  const evaluation = evalFraction === undefined ? '' : `  eval_fraction: ${evalFraction}\n`;
  const evalSteps = evalFraction === undefined ? '' : '  eval_steps: 50\n';
  const head = l10n.t(
    'Configuration of one fine-tuning run. Paths are relative to this file; keys left out have their default.',
  );
  const restarts = l10n.t(
    'merges the adapter and begins a fresh one now and then: ReLoRA, with the method mora ReMoRA',
  );
  return `# ${head}
version: 1
model: ${scalar(model)}
data:
  train: ${scalar(train)}
  format: ${format}${formatNote(advice)}
${evaluation}  max_length: ${maxLength} # ${lengthNote(advice)}
adapter:
  method: lora
  r: 16
  lora_alpha: 32
  target_modules: all-linear
training:
  learning_rate: 2.0e-4
  num_train_epochs: 3
  per_device_train_batch_size: ${batchSize}
${evalSteps}  save_steps: 100
# relora: # ${restarts}
#   every: 200
output: runs
`;
}

/** Labels that are named in the file; more are counted. */
const MOST_NAMED = 6;

/** What a head for whole texts will answer; one that writes text needs no note. */
function formatNote({ format, labels }: NewConfigAdvice): string {
  if (format === 'regression') return ' # a number for each text';
  if (!labels) return '';
  const named = labels.slice(0, MOST_NAMED).map((label) => label.replace(/[\s\p{C}]+/gu, ' '));
  const more = labels.length > MOST_NAMED ? ', …' : '';
  return ` # ${labels.length} labels: ${named.join(', ')}${more}`;
}

/** Why the length is what it is. */
function lengthNote({ longest, maxLength, modelLength, isComplete }: NewConfigAdvice): string {
  const fits = longest <= maxLength;
  const isLimit = maxLength === modelLength;
  if (isComplete) {
    if (fits) return l10n.t('the longest sample has {0} tokens', longest);
    if (isLimit) return l10n.t('the longest sample has {0} tokens and is cut: the model reads no more', longest);
    return l10n.t('the longest sample has {0} tokens and is cut: more needs more memory', longest);
  }
  if (fits) return l10n.t('the longest of the first samples has {0} tokens', longest);
  if (isLimit)
    return l10n.t('the longest of the first samples has {0} tokens and is cut: the model reads no more', longest);
  return l10n.t('the longest of the first samples has {0} tokens and is cut: more needs more memory', longest);
}
