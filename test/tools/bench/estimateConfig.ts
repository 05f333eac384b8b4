/** @file Data file and configuration of one case of `bench estimate`. */
import { join } from 'node:path';
import { writeFile } from 'node:fs/promises';
import { writeTrainConfig } from '../shared/trainConfig';
import type { EstimateCase } from './estimateCases';

/** Steps of the measured training: by the third, memory has stopped growing on one batch shape. */
export const STEPS = 3;
/** Of a training with restarts: in the third, there is a base that was merged from a merged one. */
const CYCLES = 3;

/** Writes both into `folder` and returns the path of the configuration. */
export async function writeEstimateCase(folder: string, base: string, units: readonly string[], item: EstimateCase) {
  const { batch, lengths, supervised, evalFraction, adapter, classes, restartEvery } = item;
  const longest = Math.max(...lengths);
  const isMixed = lengths.length > 1;
  // Mixed lengths: enough steps that the run meets several batch shapes.
  const steps = restartEvery > 0 ? CYCLES * restartEvery : isMixed ? 8 : STEPS;
  const samples = isMixed ? 8 * batch * lengths.length : batch * steps;
  const lines = Array.from({ length: samples }, (_, i) => {
    const tokens = lengths[i % lengths.length] ?? longest;
    // The end token is one of the sample's own.
    const learnt = Math.max(2, Math.round(supervised * tokens));
    const text = (from: number, count: number) =>
      Array.from({ length: count }, (_, t) => units[((i + 1) * 7919 + (from + t) * 104729) % units.length]).join('');
    if (classes > 0) return { text: text(0, tokens), label: `class ${i % classes}` };
    return supervised === 1
      ? { text: text(0, tokens - 1) }
      : { prompt: text(0, tokens - learnt), completion: text(tokens - learnt, learnt - 1) };
  });
  const data = join(folder, 'train.jsonl');
  await writeFile(data, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  return writeTrainConfig(join(folder, 'case.adapter.yaml'), {
    model: base,
    data: { train: data, max_length: longest, ...(evalFraction > 0 && { eval_fraction: evalFraction }) },
    adapter,
    training: {
      learning_rate: 2e-4,
      lr_scheduler_type: 'linear',
      warmup_steps: 0,
      max_steps: steps,
      per_device_train_batch_size: batch,
      gradient_accumulation_steps: 1,
      max_grad_norm: 1,
      weight_decay: 0,
    },
    ...(restartEvery > 0 && { relora: { every: restartEvery } }),
    output: join(folder, 'runs'),
  });
}
