/**
 * @file Loss over a whole set: the sum of the negative log likelihoods of all supervised tokens, divided by their number; of
 * an encoder the mean over the texts, and how good its answers are.
 */
import { classificationMetrics, predictedClasses, regressionMetrics } from '../analysis/predictionMetrics';
import { answerWidth, type Task } from '../models/types';
import type { EvaluationMetrics } from '../protocol/types';
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
  /** Supervised tokens, or texts with a label. */
  readonly tokens: number;
  readonly samples: number;
  /** Of a model that answers for whole texts. */
  readonly metrics?: EvaluationMetrics;
}

/** `onBatch` hears of each batch with the sum of its losses; what it throws ends the evaluation. */
export async function evaluate(
  runner: ModelRunner,
  set: EvaluationSet,
  onBatch: (done: number, batch: TrainBatch, loss: number) => void = () => undefined,
  signal?: AbortSignal,
): Promise<EvaluationResult> {
  const { task, config } = runner.model;
  const answers = new Answered(task, answerWidth(task, config));
  let [sum, tokens, samples] = [0, 0, 0];
  for (let i = 0; i < set.count; i++) {
    signal?.throwIfAborted();
    const batch = set.batch(i);
    const { loss, answers: logits } = await runner.assess(batch);
    answers.add(logits, batch.labels);
    sum += loss;
    tokens += batch.rows.length;
    samples += batch.batch;
    onBatch(i + 1, batch, loss);
    await new Promise((resume) => setImmediate(resume));
  }
  const metrics = answers.metrics();
  return { loss: sum / tokens, tokens, samples, ...(metrics && { metrics }) };
}

/** What was answered and what was right, over all batches. */
class Answered {
  private readonly predicted: number[] = [];
  private readonly actual: number[] = [];

  constructor(
    private readonly task: Task,
    private readonly width: number,
  ) {}

  add(logits: Float32Array | null, labels: ArrayLike<number>): void {
    if (!logits) return;
    const own = this.task.kind === 'classification' ? predictedClasses(logits, this.width) : logits;
    for (const value of own) this.predicted.push(value);
    for (const label of Array.from(labels)) this.actual.push(label);
  }

  metrics(): EvaluationMetrics | null {
    switch (this.task.kind) {
      case 'next-token':
        return null;
      case 'classification':
        return classificationMetrics(this.predicted, this.actual, this.width);
      case 'regression':
        return regressionMetrics(this.predicted, this.actual);
    }
  }
}

/** `, accuracy 0.9123, f1 0.8800`: for a line of text behind the loss. */
export function metricsText(metrics: EvaluationMetrics | undefined): string {
  const entries = Object.entries(metrics ?? {}) as (readonly [string, number | null])[];
  return entries.map(([name, value]) => `, ${name} ${value === null ? 'undefined' : value.toFixed(4)}`).join('');
}
