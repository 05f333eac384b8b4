/** @file Text generation, greedy or sampled, for one prompt or many at once. */
import * as l10n from '@vscode/l10n';
import { KernelError } from '../protocol/errors';
import type { Random } from '../util/random';
import { createRandom } from '../util/random';
import { nextLogits, type GrowingText } from './nextLogits';
import type { ModelRunner } from './runner';

export interface Sampling {
  /** Divides the logits; below 1 sharper, above 1 flatter. Above 0. */
  readonly temperature: number;
  /** The smallest set of tokens whose probabilities reach this sum is drawn from; 1: all. */
  readonly topP: number;
  readonly seed: number;
}

export interface GenerateOptions {
  readonly maxNewTokens: number;
  /** Tokens that end the text; they are not part of it. */
  readonly stopIds: ReadonlySet<number>;
  /** Absent: greedy, the most probable token each time. */
  readonly sampling?: Sampling;
  readonly signal?: AbortSignal;
}

/** The new tokens of one prompt; `onToken` gets each as it comes. Errors as `generateAll`. */
export async function generate(
  runner: ModelRunner,
  promptIds: readonly number[],
  options: GenerateOptions & { readonly onToken?: (id: number) => void },
): Promise<readonly number[]> {
  const onToken = options.onToken && ((_: number, id: number) => options.onToken?.(id));
  const [ids = []] = await generateAll(runner, [promptIds], { ...options, batchSize: 1, ...(onToken && { onToken }) });
  return ids;
}

export interface BatchOptions extends GenerateOptions {
  /** Prompts that run at the same time. */
  readonly batchSize: number;
  readonly onToken?: (prompt: number, id: number) => void;
  readonly onFinished?: (finished: number, count: number) => void;
}

/**
 * The new tokens of every prompt, in the order of the prompts. A text ends at a stop token, after `maxNewTokens`, or at the
 * model's longest sequence. What is drawn for a prompt does not depend on the others. Throws `input/refused` for a prompt
 * that is empty or fills the model, `cancelled` between tokens.
 */
export async function generateAll(
  runner: ModelRunner,
  prompts: readonly (readonly number[])[],
  options: BatchOptions,
): Promise<readonly (readonly number[])[]> {
  const { maxNewTokens, stopIds, sampling, signal, batchSize, onToken, onFinished } = options;
  const { maxLength } = runner.model.config;
  prompts.forEach((ids, i) => refusePrompt(i, ids.length, maxLength));
  const results = prompts.map((): readonly number[] => []);
  if (maxNewTokens < 1 || prompts.length === 0) return results;
  const waiting = prompts.map((ids, index): Text => ({
    index,
    ids: [...ids],
    random: createRandom(sampling?.seed ?? 0, index),
  }));
  const longest = Math.min(maxLength, Math.max(...prompts.map((ids) => ids.length)) + maxNewTokens);
  const slots: (Text | undefined)[] = waiting.splice(0, Math.min(batchSize, prompts.length));
  const logitsOf = nextLogits(runner, slots.length, longest);
  let finished = 0;
  while (slots.some((text) => text)) {
    if (signal?.aborted) throw new KernelError('cancelled', 'generation was cancelled');
    const logits = await logitsOf(slots);
    for (const [slot, text] of slots.entries()) {
      const row = logits[slot];
      if (!text || !row) continue;
      const { index, ids, random } = text;
      const next = sampling ? draw(row, sampling, random) : mostProbable(row);
      const made = ids.length - (prompts[index]?.length ?? 0);
      if (!stopIds.has(next)) {
        ids.push(next);
        onToken?.(index, next);
        if (made + 1 < maxNewTokens && ids.length < maxLength) continue;
      }
      results[index] = ids.slice(prompts[index]?.length);
      onFinished?.(++finished, prompts.length);
      slots[slot] = waiting.shift();
    }
    await new Promise((resume) => setImmediate(resume));
  }
  return results;
}

interface Text extends GrowingText {
  /** Number of the prompt. */
  readonly index: number;
  readonly random: Random;
}

function refusePrompt(index: number, length: number, maxLength: number): void {
  if (length > 0 && length < maxLength) return;
  const found = length === 0 ? l10n.t('is empty') : l10n.t('has {0} tokens', length);
  throw new KernelError(
    'input/refused',
    l10n.t('prompt {0} {1}; expected 1 to {2} tokens', index + 1, found, maxLength - 1),
  );
}

function mostProbable(logits: Float32Array): number {
  let best = 0;
  for (let i = 1; i < logits.length; i++) if ((logits[i] as number) > (logits[best] as number)) best = i;
  refuseNotFinite(logits[best] ?? NaN);
  return best;
}

function draw(logits: Float32Array, { temperature, topP }: Sampling, random: Random): number {
  const peak = logits[mostProbable(logits)] as number;
  const weights = Float64Array.from(logits).map((logit) => Math.exp((logit - peak) / temperature));
  const total = weights.reduce((sum, w) => sum + w, 0);
  refuseNotFinite(total);
  // Sorted only when something is cut off: the vocabulary is long.
  const order =
    topP < 1 ? Int32Array.from(weights.keys()).sort((a, b) => weightAt(weights, b) - weightAt(weights, a)) : null;
  let limit = total;
  if (order) {
    let sum = 0;
    for (let i = 0; i < order.length && sum < topP * total; i++) sum += weightAt(weights, order[i] as number);
    limit = sum;
  }
  let left = (random.uint32() / 2 ** 32) * limit;
  for (let i = 0; i < weights.length; i++) {
    const id = order ? (order[i] as number) : i;
    left -= weightAt(weights, id);
    if (left < 0) return id;
  }
  return mostProbable(logits);
}

const weightAt = (weights: Float64Array, i: number): number => weights[i] as number;

function refuseNotFinite(value: number): void {
  if (Number.isFinite(value)) return;
  throw new KernelError('runtime/failed', l10n.t('the logits are not finite ({0}); is the checkpoint damaged?', value));
}
