/** @file Loss over a whole set: the sum of the negative log likelihoods of all supervised tokens, divided by their number. */
import type { TrainBatch } from './batchStream';
import type { ModelRunner } from './runner';

export interface EvaluationSet {
  readonly count: number;
  /** The samples of a batch, as numbers of their data set; nothing is read. */
  samplesOf(index: number): Int32Array;
  batch(index: number): TrainBatch;
}

export interface EvaluationResult {
  readonly loss: number;
  /** Supervised tokens. */
  readonly tokens: number;
  readonly samples: number;
}

/** `onBatch` hears of each batch with the sum of its losses; what it throws ends the evaluation. */
export async function evaluate(
  runner: ModelRunner,
  set: EvaluationSet,
  onBatch: (done: number, batch: TrainBatch, loss: number) => void = () => undefined,
  signal?: AbortSignal,
): Promise<EvaluationResult> {
  let [sum, tokens, samples] = [0, 0, 0];
  for (let i = 0; i < set.count; i++) {
    signal?.throwIfAborted();
    const batch = set.batch(i);
    const loss = await runner.loss(batch);
    sum += loss;
    tokens += batch.rows.length;
    samples += batch.batch;
    onBatch(i + 1, batch, loss);
    await new Promise((resume) => setImmediate(resume));
  }
  return { loss: sum / tokens, tokens, samples };
}
