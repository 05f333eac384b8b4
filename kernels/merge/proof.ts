/**
 * @file The measured proof of a merge: logits of base + adapter against those of the merged checkpoint as it lies on disk, at
 * every position of fixed prompts, over the whole vocabulary. Both run in pieces, so a large model needs little memory.
 */
import * as l10n from '@vscode/l10n';
import type { TensorValues } from '../adapters/adapterFile';
import { adaptedLinear, plainLinear } from '../adapters/applyAdapter';
import { buildHead, headWeight, isHeadAdapted } from '../adapters/head';
import type { AdapterPlan } from '../adapters/plan';
import { loadTokenizer } from '../formats/tokenizer';
import { fuseGemmAdd } from '../graph/fuseGemmAdd';
import type { Value } from '../graph/graph';
import { f32, Graph } from '../graph/graph';
import { gatherRows, headLogits, slice } from '../graph/ops';
import type { Program } from '../graph/program';
import { programOf } from '../graph/program';
import { verify } from '../graph/verify';
import type { BaseModel } from '../models/baseModel';
import { frozenWeight } from '../models/baseModel';
import type { WeightSource } from '../models/types';
import { textInputs } from '../models/textInputs';
import { KernelError } from '../protocol/errors';
import { runInPieces } from '../runtime/runInPieces';
import type { HostTensor } from '../runtime/types';
import { createRandom } from '../util/random';

/** A model, and an adapter on it or none. */
export interface ProofSide {
  readonly model: BaseModel;
  readonly plan: AdapterPlan | null;
  readonly parameters: TensorValues | null;
}

export interface LogitDifference {
  readonly maxAbsLogitDifference: number;
  readonly meanAbsLogitDifference: number;
  readonly maxAbsLogit: number;
  readonly prompts: number;
  readonly positions: number;
}

export interface ProofOptions {
  readonly threads: number;
  readonly signal?: AbortSignal;
  /** 0 to 1. */
  readonly onProgress?: (fraction: number) => void;
}

const TEXTS = [
  'The capital of France is Paris, and the capital of Japan is',
  'Water boils at a temperature of',
  'def add(a, b):\n    return a + b',
  'Once upon a time there was a fox who',
];
/** Tokens of one prompt at most. */
const PROMPT_TOKENS = 12;
const PIECE_BYTES = 48e6;
/** Rows of the head that are widened and multiplied at a time, in bytes of float32. */
const HEAD_BYTES = 16e6;

/** Both sides must share the vocabulary. */
export async function compareLogits(
  adapted: ProofSide,
  merged: ProofSide,
  { onProgress, ...options }: ProofOptions,
): Promise<LogitDifference> {
  const prompts = promptIds(adapted.model);
  const isSequence = adapted.model.task.kind !== 'next-token';
  const expected = await logits(adapted, prompts, { ...options, onProgress: (f) => onProgress?.(f / 2) });
  const actual = await logits(merged, prompts, { ...options, onProgress: (f) => onProgress?.(0.5 + f / 2) });
  let [max, sum, count, largest] = [0, 0, 0, 0];
  for (const [name, values] of expected) {
    const others = actual.get(name);
    if (others?.length !== values.length)
      throw new KernelError('internal', l10n.t('the two models disagree on {0}', name));
    for (let i = 0; i < values.length; i++) {
      const [a, b] = [values[i] as number, others[i] as number];
      const difference = Math.abs(a - b);
      // Not Math.max: a NaN must show.
      if (!(difference <= max)) max = difference;
      sum += difference;
      largest = Math.max(largest, Math.abs(a));
    }
    count += values.length;
  }
  return {
    maxAbsLogitDifference: max,
    meanAbsLogitDifference: sum / count,
    maxAbsLogit: largest,
    prompts: prompts.length,
    positions: isSequence ? prompts.length : prompts.reduce((n, ids) => n + ids.length, 0),
  };
}

/** The same for the same model: texts through its tokenizer where it has one, otherwise numbers from a fixed seed. */
export function promptIds({ dir, config, task }: BaseModel): readonly (readonly number[])[] {
  try {
    const tokenizer = loadTokenizer(dir);
    const isSequence = task.kind !== 'next-token';
    const prompts = TEXTS.map((text) =>
      isSequence ? tokenizer.encodeWithOffsets(text).ids : tokenizer.encode(text).slice(0, PROMPT_TOKENS),
    );
    if (prompts.every((ids) => ids.length > 0 && ids.every((id) => id < config.vocabularySize))) return prompts;
  } catch (error) {
    // A checkpoint without a tokenizer, or with one we cannot reproduce, is merged and compared all the same.
    if (!KernelError.is(error)) throw error;
  }
  const random = createRandom(1);
  return TEXTS.map(() => Array.from({ length: PROMPT_TOKENS }, () => random.below(config.vocabularySize)));
}

async function logits(
  side: ProofSide,
  prompts: readonly (readonly number[])[],
  { threads, signal, onProgress }: ProofOptions,
): Promise<ReadonlyMap<string, Float32Array>> {
  return runInPieces(logitsProgram(side, prompts), parameterFeeds(side), {
    device: 'cpu',
    threads,
    weightsFolder: side.model.weightFiles.folder,
    maxWeightBytes: PIECE_BYTES,
    ...(signal && { signal }),
    ...(onProgress && { onPiece: (done: number, count: number) => onProgress(done / count) }),
  });
}

/** One output [positions, rows] for each block of vocabulary rows; of a sequence head one [prompts, labels]. */
function logitsProgram({ model, plan }: ProofSide, prompts: readonly (readonly number[])[]): Program {
  const graph = new Graph();
  const length = Math.max(...prompts.map((ids) => ids.length));
  const positions = prompts.flatMap((ids, i) => ids.map((_, at) => i * length + at));
  const inputs = new Map(
    [...(plan?.trained ?? []), ...(plan?.frozen ?? [])].map((t) => [t.key, graph.input(t.key, f32(...t.shape))]),
  );
  const base: WeightSource = { get: (name) => frozenWeight(graph, model, name) };
  const param = (key: string): Value => inputs.get(key) ?? base.get(key);
  const weights: WeightSource = { get: param };
  const linear = plan
    ? adaptedLinear(plan, weights, { param, frozen: base, dropout: (_, v) => v })
    : plainLinear(weights);
  const { architecture, config, head: spec } = model;
  const hidden = architecture.hidden(config, textInputs(graph, model, prompts), weights, linear);
  if (spec.kind === 'sequence') {
    const first = Int32Array.from(prompts.keys(), (i) => i * length);
    const answers = spec.logits(gatherRows(hidden, graph.constant(first, [first.length])), weights, linear);
    return checked(programOf({ logits: answers }));
  }
  const picked = gatherRows(hidden, graph.constant(Int32Array.from(positions), [positions.length]));
  const weight = headWeight(spec, plan, weights, base);
  const whole = isHeadAdapted(plan) ? buildHead(model, plan, { weights, base, linear }).logits(picked) : null;
  const { vocabularySize, hiddenSize } = model.config;
  const rows = Math.max(1, Math.floor(HEAD_BYTES / 4 / hiddenSize));
  const outputs: Record<string, Value> = {};
  for (let from = 0; from < vocabularySize; from += rows) {
    const count = Math.min(rows, vocabularySize - from);
    const block = graph.constant(
      Int32Array.from({ length: count }, (_, i) => from + i),
      [count],
    );
    outputs[`logits_${from}`] = whole
      ? slice(whole, 1, from, from + count)
      : headLogits(picked, gatherRows(weight, block), spec.softCap);
  }
  return checked(programOf(outputs));
}

function checked(program: Program): Program {
  const fused = fuseGemmAdd(program);
  verify(fused, 'fuseGemmAdd');
  return fused;
}

/** The values of the adapter's tensors, by the names of the graph's inputs. */
export function parameterFeeds({ plan, parameters }: ProofSide): Readonly<Record<string, HostTensor>> {
  const feeds = [...(plan?.trained ?? []), ...(plan?.frozen ?? [])].map(({ key, shape }) => {
    const data = parameters?.get(key);
    if (!data) throw new KernelError('internal', `no values for ${key}`);
    return [key, { dtype: 'f32', shape, data }] as const;
  });
  return Object.fromEntries(feeds);
}
