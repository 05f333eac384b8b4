/**
 * @file Text generation, greedy or sampled, for one prompt or many at once. Every new token runs the whole sequence again
 * (no cache of keys and values): lengths are rounded up to a few sizes so that few graphs are compiled.
 */
import { KernelError } from '../protocol/errors';
import type { Random } from '../util/random';
import { createRandom } from '../util/random';
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
  const { maxLength, vocabularySize } = runner.model.config;
  prompts.forEach((ids, i) => refusePrompt(i, ids.length, maxLength));
  const texts = prompts.map((ids, i): Text => ({ ids: [...ids], random: createRandom(sampling?.seed ?? 0, i) }));
  const results = prompts.map((): readonly number[] => []);
  const waiting = texts.map((_, i) => i);
  const slots = Math.min(batchSize, prompts.length);
  let running = maxNewTokens > 0 ? waiting.splice(0, slots) : [];
  let finished = 0;
  while (running.length > 0) {
    if (signal?.aborted) throw new KernelError('cancelled', 'generation was cancelled');
    const batch = running.map((i) => texts[i] as Text);
    const logits = await runner.logits(paddedBatch(batch, slots, maxLength));
    const going: number[] = [];
    for (const [slot, index] of running.entries()) {
      const { ids, random } = batch[slot] as Text;
      const row = logits.subarray(slot * vocabularySize, (slot + 1) * vocabularySize);
      const next = sampling ? draw(row, sampling, random) : mostProbable(row);
      const made = ids.length - (prompts[index]?.length ?? 0);
      if (!stopIds.has(next)) {
        ids.push(next);
        onToken?.(index, next);
        if (made + 1 < maxNewTokens && ids.length < maxLength) {
          going.push(index);
          continue;
        }
      }
      results[index] = ids.slice(prompts[index]?.length);
      onFinished?.(++finished, prompts.length);
    }
    running = [...going, ...waiting.splice(0, slots - going.length)];
    await new Promise((resume) => setImmediate(resume));
  }
  return results;
}

interface Text {
  readonly ids: number[];
  readonly random: Random;
}

function refusePrompt(index: number, length: number, maxLength: number): void {
  if (length > 0 && length < maxLength) return;
  const found = length === 0 ? 'is empty' : `has ${length} tokens`;
  throw new KernelError('input/refused', `prompt ${index + 1} ${found}; expected 1 to ${maxLength - 1} tokens`);
}

/** Steps of 32 tokens up to 128, then of 64: a few compiled graphs, and little padding. */
export function bucketLength(length: number, maxLength: number): number {
  const step = length <= 128 ? 32 : 64;
  return Math.min(Math.ceil(length / step) * step, maxLength);
}

/** Always the same number of rows, so that the graph stays the same while texts come to their end. */
function paddedBatch(
  texts: readonly Text[],
  slots: number,
  maxLength: number,
): { batch: number; length: number; inputIds: Int32Array; rows: Int32Array } {
  const length = bucketLength(Math.max(...texts.map(({ ids }) => ids.length)), maxLength);
  const inputIds = new Int32Array(slots * length);
  texts.forEach(({ ids }, slot) => inputIds.set(ids, slot * length));
  const rows = Int32Array.from(texts, ({ ids }, slot) => slot * length + ids.length - 1);
  return { batch: slots, length, inputIds, rows };
}

function mostProbable(logits: Float32Array): number {
  let best = 0;
  for (let i = 1; i < logits.length; i++) if ((logits[i] as number) > (logits[best] as number)) best = i;
  refuseNotFinite(logits[best] ?? NaN);
  return best;
}

function draw(logits: Float32Array, { temperature, topP }: Sampling, random: Random): number {
  const peak = logits[mostProbable(logits)] as number;
  const weights = Float64Array.from(logits, (logit) => Math.exp((logit - peak) / temperature));
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
  throw new KernelError('runtime/failed', `the logits are not finite (${value}); is the checkpoint damaged?`);
}
