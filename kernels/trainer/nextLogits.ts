/**
 * @file What comes next in each of several texts. Where the model family keeps keys and values, a text is run once and then
 * token by token; elsewhere every new token runs the whole sequence again. Both are the same function of the texts.
 */
import { KeyValueCache } from './keyValueCache';
import type { KeptShape, ModelRunner } from './runner';

/** A text that gets longer, one token between two calls. */
export interface GrowingText {
  readonly ids: number[];
}

/** Logits [vocabulary] behind each text; a slot without a text has none. A slot may get another text at any time. */
export type NextLogits = (
  slots: readonly (GrowingText | undefined)[],
) => Promise<readonly (Float32Array | undefined)[]>;

/** `longest`: tokens that a text may come to have. */
export function nextLogits(runner: ModelRunner, slots: number, longest: number): NextLogits {
  return runner.kept ? fromKept(runner, runner.kept, slots, longest) : fromWholeTexts(runner, slots);
}

export function fromWholeTexts(runner: ModelRunner, slots: number): NextLogits {
  const { maxLength, vocabularySize } = runner.model.config;
  return async (texts) => {
    const running = texts.flatMap((text, slot) => (text ? [{ slot, ids: text.ids }] : []));
    // Always the same number of rows, so that the graph stays the same while texts come to their end.
    const length = bucketLength(Math.max(...running.map(({ ids }) => ids.length)), maxLength);
    const inputIds = new Int32Array(slots * length);
    running.forEach(({ slot, ids }) => inputIds.set(ids, slot * length));
    const rows = Int32Array.from(running, ({ slot, ids }) => slot * length + ids.length - 1);
    const logits = await runner.logits({ batch: slots, length, inputIds, rows });
    const result = new Array<Float32Array | undefined>(slots);
    running.forEach(({ slot }, row) => {
      result[slot] = logits.subarray(row * vocabularySize, (row + 1) * vocabularySize);
    });
    return result;
  };
}

export function fromKept(runner: ModelRunner, shape: KeptShape, slots: number, longest: number): NextLogits {
  const { maxLength, vocabularySize } = runner.model.config;
  // The last token of all is never run, so there is room for it with one position less.
  const cache = new KeyValueCache(shape, slots, capacityFor(longest - 1));
  const cached = new Array<GrowingText | undefined>(slots);
  return async (texts) => {
    const result = new Array<Float32Array | undefined>(slots);
    const known = texts.map((text, slot) => text !== undefined && cached[slot] === text);
    if (known.includes(true)) {
      const ids = Int32Array.from(texts, (text, slot) => (known[slot] ? (text?.ids.at(-1) ?? 0) : 0));
      const { logits, kept } = await runner.decode({ batch: slots, capacity: cache.capacity }, cache.feeds(ids));
      known.forEach((isKnown, slot) => {
        if (!isKnown) return;
        cache.append(slot, kept);
        result[slot] = logits.subarray(slot * vocabularySize, (slot + 1) * vocabularySize);
      });
    }
    for (const [slot, text] of texts.entries()) {
      if (!text || known[slot]) continue;
      const padded = new Int32Array(bucketLength(text.ids.length, maxLength));
      padded.set(text.ids);
      const { logits, kept } = await runner.prefill(padded, text.ids.length);
      cache.begin(slot, kept, padded.length, text.ids.length);
      cached[slot] = text;
      result[slot] = logits;
    }
    return result;
  };
}

/** Steps of 32 tokens up to 128, then of 64: a few compiled graphs, and little padding. */
export function bucketLength(length: number, maxLength: number): number {
  const step = length <= 128 ? 32 : 64;
  return Math.min(Math.ceil(length / step) * step, maxLength);
}

/** Powers of two from 64: a few compiled graphs; positions that are not used yet cost next to nothing. */
const capacityFor = (positions: number): number => Math.max(64, 2 ** Math.ceil(Math.log2(Math.max(1, positions))));
