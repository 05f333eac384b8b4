/** @file From documents to training sequences: all tokens in one stream, an end token behind each document, cut into equal pieces. */
import type { CheckpointTokenizer } from '../../../kernels/formats/tokenizer';
import type { MicroBatch } from '../../../kernels/trainer/runner';
import { documents } from './corpus';
import { RECIPE } from './recipe';
import { END_ID } from './tokenizerFiles';

/** The first `count` batches of the text of `seed`: every position has the next token as its label. */
export function* packedBatches(
  tokenizer: CheckpointTokenizer,
  seed: number,
  shape: { readonly count: number; readonly batch: number; readonly length: number },
): Generator<MicroBatch> {
  const { count, batch, length } = shape;
  const tokens = batch * length;
  const text = documents(seed);
  let stream: number[] = [];
  for (let i = 0; i < count; i++) {
    // One token more than the batch holds: the label of its last position, which then starts the next batch.
    while (stream.length <= tokens) stream.push(...tokenizer.encode(text.next().value), END_ID);
    yield {
      batch,
      length,
      inputIds: Int32Array.from(stream.slice(0, tokens)),
      rows: Int32Array.from({ length: tokens }, (_, at) => at),
      labels: Int32Array.from(stream.slice(1, tokens + 1)),
    };
    stream = stream.slice(tokens);
  }
}

/** The text of which `training.json` states the loss: the model has seen no document of it. */
export function heldOutBatches(tokenizer: CheckpointTokenizer): Generator<MicroBatch> {
  const { heldOutSequences, batchSize, sequenceLength } = RECIPE;
  return packedBatches(tokenizer, RECIPE.seeds.heldOutText, {
    count: heldOutSequences / batchSize,
    batch: batchSize,
    length: sequenceLength,
  });
}
