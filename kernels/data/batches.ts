/** @file Which samples go into which batch, and how a batch becomes the arrays of a training step. */
import * as l10n from '@vscode/l10n';
import { KernelError } from '../protocol/errors';
import { paddingBias } from '../util/paddingBias';
import { createRandom, permutation } from '../util/random';

export interface EpochOptions {
  readonly batchSize: number;
  readonly shuffle: boolean;
  readonly groupByLength: boolean;
  readonly seed: number;
  /** Number of the pass over the data, from 0; each has an order of its own. */
  readonly epoch: number;
}

/** Samples of similar length are looked for among this many batches, as in transformers: further would undo the shuffle. */
const BATCHES_IN_GROUP = 50;

/**
 * The batches of one epoch as positions in `lengths` (tokens of each sample). Depends on nothing but its arguments, so a
 * resumed run goes on exactly. The last batch may be short; none is dropped.
 *
 * Grouping puts the batch with the longest sample first, so that a run that needs too much memory fails at once. Without
 * shuffling and grouping, batches follow the order of the file.
 */
export function epochBatches(lengths: Int32Array, options: EpochOptions): Int32Array[] {
  const { batchSize, shuffle, groupByLength, seed, epoch } = options;
  const random = createRandom(seed, epoch);
  const order = shuffle
    ? permutation(lengths.length, random)
    : Int32Array.from({ length: lengths.length }, (_, i) => i);
  if (!groupByLength) return cut(order, batchSize);
  const batchesInGroup = Math.max(1, Math.min(BATCHES_IN_GROUP, Math.floor(lengths.length / (4 * batchSize))));
  const lengthOf = (i: number) => lengths[i] ?? 0;
  const batches = cut(order, batchesInGroup * batchSize).flatMap((group) =>
    // The sort is stable: samples of equal length keep the order of the shuffle.
    cut(
      group.sort((a, b) => lengthOf(b) - lengthOf(a)),
      batchSize,
    ),
  );
  // Within a group batches go from long to short; their order is shuffled so that length says nothing about time.
  const shuffled = shuffle ? [...permutation(batches.length, random)].flatMap((i) => batches[i] ?? []) : batches;
  const longest = shuffled.reduce(
    (best, b, i) => (lengthOf(b[0] ?? 0) > lengthOf(shuffled[best]?.[0] ?? 0) ? i : best),
    0,
  );
  return [...shuffled.slice(longest, longest + 1), ...shuffled.slice(0, longest), ...shuffled.slice(longest + 1)];
}

function cut(order: Int32Array, size: number): Int32Array[] {
  return Array.from({ length: Math.ceil(order.length / size) }, (_, i) => order.slice(i * size, (i + 1) * size));
}

export interface EvaluationSplit {
  /** Positions in the data set, ascending. */
  readonly train: Int32Array;
  readonly evaluation: Int32Array;
}

/** Sets a share of the samples aside, at least one and never all, chosen by the seed alone. */
export function splitForEvaluation(count: number, fraction: number, seed: number): EvaluationSplit {
  if (count < 2) {
    const message =
      count === 1
        ? l10n.t('the training data has 1 sample that can be trained on; data.eval_fraction needs at least 2')
        : l10n.t('the training data has no samples that can be trained on; data.eval_fraction needs at least 2');
    throw new KernelError('input/refused', message);
  }
  const wanted = Math.min(count - 1, Math.max(1, Math.round(count * fraction)));
  const order = permutation(count, createRandom(seed, EVALUATION));
  return { train: order.slice(wanted).sort(), evaluation: order.slice(0, wanted).sort() };
}

/** Keeps the choice of evaluation samples apart from the orders of the epochs, which use the same seed. */
const EVALUATION = 0xe7a1;

/** One sample as it goes into a batch. */
export interface TokenSample {
  readonly ids: Int32Array;
  /** 1 where this token, as the one to be predicted, carries loss. */
  readonly lossMask: Uint8Array;
  /** Of a labelled sample: 0 or 1 for each token, which of two texts it belongs to. */
  readonly tokenTypes?: Uint8Array;
  /** Of a labelled sample: the place of its label among those of the set, or the number to be predicted. */
  readonly label?: number;
}

/** The arrays of one training step; the flattened position of token t of sample b is b · length + t. */
export interface CollatedBatch {
  /** Number of samples. */
  readonly batch: number;
  /** Tokens of each row, padding included: a bucket length. */
  readonly length: number;
  /** Token ids, padded on the right: [batch · length]. */
  readonly inputIds: Int32Array;
  /** Flattened positions whose next token carries loss, ascending: [supervised]; of labelled samples each first token. */
  readonly rows: Int32Array;
  /** The next token of each of these positions: [supervised]; the class of each labelled sample, or its number. */
  readonly labels: Int32Array | Float32Array;
  /** Of labelled samples: [batch · length], which text a token is of, and what is added to its scores. */
  readonly tokenTypes?: Int32Array;
  readonly paddingBias?: Float32Array;
  /** Tokens without padding. */
  readonly tokens: number;
}

export interface CollateOptions {
  readonly padId: number;
  /** Longest sample of the run; the largest bucket. */
  readonly maxLength: number;
  /** What labels stand for, where samples have them. */
  readonly answers?: Answers;
}

export type Answers =
  /** The id of each label of the set. */
  { readonly kind: 'classification'; readonly ids: readonly number[] } | { readonly kind: 'regression' };

/**
 * Puts samples of at most `maxLength` tokens into one batch. Padding is on the right and carries no loss: with causal
 * attention no token sees it, so no mask is needed.
 */
export function collate(samples: readonly TokenSample[], { padId, maxLength, answers }: CollateOptions): CollatedBatch {
  const longest = samples.reduce((max, s) => Math.max(max, s.ids.length), 0);
  const length = bucketLength(longest, maxLength);
  const inputIds = new Int32Array(samples.length * length).fill(padId);
  const rows: number[] = [];
  const labels: number[] = [];
  let tokens = 0;
  samples.forEach(({ ids, lossMask }, b) => {
    inputIds.set(ids, b * length);
    tokens += ids.length;
    for (let t = 1; t < ids.length; t++) {
      if (lossMask[t] !== 1) continue;
      rows.push(b * length + t - 1);
      labels.push(ids[t] ?? 0);
    }
  });
  if (answers) return { batch: samples.length, length, inputIds, tokens, ...labelled(samples, length, answers) };
  return {
    batch: samples.length,
    length,
    inputIds,
    rows: Int32Array.from(rows),
    labels: Int32Array.from(labels),
    tokens,
  };
}

/** Attention in both directions sees padding, unless it is told not to. */
function labelled(
  samples: readonly TokenSample[],
  length: number,
  answers: Answers,
): Pick<CollatedBatch, 'rows' | 'labels' | 'tokenTypes' | 'paddingBias'> {
  const tokenTypes = new Int32Array(samples.length * length);
  samples.forEach((sample, b) => tokenTypes.set(sample.tokenTypes ?? [], b * length));
  const numbers = samples.map(({ label = NaN }) => label);
  return {
    rows: Int32Array.from(samples.keys(), (b) => b * length),
    labels:
      answers.kind === 'regression'
        ? Float32Array.from(numbers)
        : Int32Array.from(numbers, (label) => answers.ids[label] ?? -1),
    tokenTypes,
    paddingBias: paddingBias(
      samples.map(({ ids }) => ids),
      length,
    ),
  };
}

/**
 * The length to which a batch is padded: 16, 32 … 128, then four steps for each doubling (160, 192, 224, 256, 320 …), at
 * most `maxLength`. Each length is a graph to compile, and at most a fifth of a row is padding.
 */
export function bucketLength(tokens: number, maxLength: number): number {
  if (tokens > maxLength) throw new KernelError('internal', `a sample has ${tokens} tokens, longer than ${maxLength}`);
  const step = tokens <= 128 ? 16 : 2 ** (Math.ceil(Math.log2(tokens)) - 3);
  return Math.min(maxLength, Math.max(step, Math.ceil(tokens / step) * step));
}
