/** @file What `npm run bench -- train` can time: a checkpoint, a batch of 4 × 256 tokens, and how many of them carry loss. */
import { join } from 'node:path';
import { ensureSmolLM2 } from '../interop/checkpoint';
import { LETTERS, wholeWords } from './fixedLengthText';
import { ensureRandomCheckpoint } from './randomCheckpoint';
import { SHAPES, stepFlops, type LlamaShape, type ShapeName } from './shapes';

export const BATCH = 4;
export const SEQUENCE = 256;
/** Tokens of a step: what both sides are given, and what the engine must report to have read. */
export const TOKENS = BATCH * SEQUENCE;

/** A label on about 30 % of a sample's tokens: a prompt with an answer, as in most fine-tuning data. */
const SUPERVISED_OF_30_PERCENT = 77;

export interface Workload {
  readonly id: string;
  readonly label: string;
  readonly shape: LlamaShape;
  readonly supervised: number;
  /** Steps before timing starts, and steps timed. */
  readonly warmup: number;
  readonly timed: number;
  /** Ours against PEFT in float32: at least this fast, with at most this share of its peak memory. */
  readonly floor?: { readonly speed: number; readonly memory: number };
  readonly isDefault: boolean;
  /** Makes the checkpoint when it is missing; returns its folder. */
  prepare(cache: string): Promise<string>;
  /** Pieces of text that are one token each for this checkpoint's tokenizer. */
  units(checkpoint: string): Promise<readonly string[]>;
}

const steps = { a: { warmup: 1, timed: 4 }, b: { warmup: 2, timed: 14 } };

const realModel = {
  shape: SHAPES.a,
  ...steps.a,
  isDefault: true,
  prepare: (cache: string) => ensureSmolLM2(join(cache, 'SmolLM2-135M-Instruct-f32'), 'f32', { cache }),
  units: wholeWords,
};

const randomModel = (name: ShapeName) => ({
  shape: SHAPES[name],
  ...steps[name],
  isDefault: name === 'b',
  prepare: (cache: string) => ensureRandomCheckpoint(join(cache, `random-${name}-f32`), SHAPES[name]),
  units: () => Promise.resolve(LETTERS),
});

export const WORKLOADS: readonly Workload[] = [
  {
    id: 'smollm2',
    label: 'SmolLM2-135M, all labels',
    supervised: SEQUENCE,
    floor: { speed: 1.25, memory: 0.65 },
    ...realModel,
  },
  { id: 'smollm2-30', label: 'SmolLM2-135M, 30 % labels', supervised: SUPERVISED_OF_30_PERCENT, ...realModel },
  { id: 'a', label: 'shape (a), random, all labels', supervised: SEQUENCE, ...randomModel('a') },
  { id: 'a-30', label: 'shape (a), random, 30 % labels', supervised: SUPERVISED_OF_30_PERCENT, ...randomModel('a') },
  { id: 'b', label: 'shape (b), random, all labels', supervised: SEQUENCE, ...randomModel('b') },
  { id: 'b-30', label: 'shape (b), random, 30 % labels', supervised: SUPERVISED_OF_30_PERCENT, ...randomModel('b') },
];

/** Floating point operations of a step. */
export function flopsOf({ shape, supervised }: Workload): number {
  // The first token of a sample is predicted by nothing.
  return stepFlops(shape, TOKENS, BATCH * Math.min(supervised, SEQUENCE - 1));
}
