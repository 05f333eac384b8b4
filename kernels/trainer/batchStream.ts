/** @file The batches of a run by the number of their step: any step can be asked for, so that a resume needs no history. */
import type { Answers, CollatedBatch } from '../data/batches';
import { collate, epochBatches } from '../data/batches';
import type { TokenDataset } from '../data/dataset';
import type { EvaluationSet } from './evaluate';

export interface SampleSource {
  readonly file: string;
  readonly line: number;
}

export interface TrainBatch extends CollatedBatch {
  readonly sources: readonly SampleSource[];
}

export interface BatchOptions {
  readonly batchSize: number;
  readonly accumulation: number;
  readonly shuffle: boolean;
  readonly groupByLength: boolean;
  readonly seed: number;
  readonly maxLength: number;
  readonly padId: number;
  /** What labels stand for, where samples have them. */
  readonly answers?: Answers | undefined;
}

export class BatchStream {
  readonly stepsPerEpoch: number;
  private epoch: { readonly number: number; readonly batches: readonly Int32Array[] } | null = null;

  /** `indices`: the samples of the dataset that are trained on. */
  constructor(
    private readonly dataset: TokenDataset,
    private readonly indices: Int32Array,
    private readonly options: BatchOptions,
  ) {
    const { batchSize, accumulation } = options;
    this.stepsPerEpoch = Math.ceil(Math.ceil(indices.length / batchSize) / accumulation);
  }

  /** Micro-batches of optimiser step `step`, counted from 1. */
  batchesOf(step: number): readonly TrainBatch[] {
    return this.samplesOf(step).map((samples) => this.collate(samples));
  }

  /** The samples of each micro-batch of a step, as numbers of the data set; nothing is read. */
  samplesOf(step: number): readonly Int32Array[] {
    const number = Math.floor((step - 1) / this.stepsPerEpoch);
    if (this.epoch?.number !== number) this.epoch = { number, batches: this.order(number) };
    const { accumulation } = this.options;
    const first = ((step - 1) % this.stepsPerEpoch) * accumulation;
    return this.epoch.batches.slice(first, first + accumulation);
  }

  private order(epoch: number): readonly Int32Array[] {
    const { batchSize, shuffle, groupByLength, seed } = this.options;
    const lengths = this.indices.map((i) => this.dataset.tokenLengths[i] ?? 0);
    return epochBatches(lengths, { batchSize, shuffle, groupByLength, seed, epoch }).map((batch) =>
      batch.map((i) => this.indices[i] ?? 0),
    );
  }

  private collate(samples: Int32Array): TrainBatch {
    return collateSamples(this.dataset, samples, this.options);
  }
}

/** The whole of a set in batches of similar length; order does not matter for a sum. */
export function evaluationSet(
  dataset: TokenDataset,
  indices: Int32Array,
  options: Pick<BatchOptions, 'batchSize' | 'maxLength' | 'padId' | 'answers'>,
): EvaluationSet {
  const lengths = indices.map((i) => dataset.tokenLengths[i] ?? 0);
  const order = Int32Array.from(indices.keys()).sort((a, b) => (lengths[b] ?? 0) - (lengths[a] ?? 0) || a - b);
  const { batchSize } = options;
  const samplesOf = (i: number): Int32Array =>
    order.subarray(i * batchSize, (i + 1) * batchSize).map((at) => indices[at] ?? 0);
  return {
    count: Math.ceil(indices.length / batchSize),
    samplesOf,
    batch: (i) => collateSamples(dataset, samplesOf(i), options),
  };
}

function collateSamples(
  dataset: TokenDataset,
  samples: Int32Array,
  { maxLength, padId, answers }: Pick<BatchOptions, 'maxLength' | 'padId' | 'answers'>,
): TrainBatch {
  const read = Array.from(samples, (i) => dataset.read(i));
  return { ...collate(read, { maxLength, padId, ...(answers && { answers }) }), sources: read.map((s) => s.source) };
}
