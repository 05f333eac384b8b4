/**
 * @file What `npm run bench -- estimate` compares: a quarter of all combinations of two model sizes, batch, length, rank,
 * method and dtype in which every factor meets every other one evenly, and cases in which a run holds several graphs.
 */
import { join } from 'node:path';
import { ensureRandomCheckpoint } from './randomCheckpoint';
import { SHAPES, type LlamaShape } from './shapes';

export interface EstimateCase {
  readonly id: string;
  /** Makes the checkpoint when it is missing; returns its folder. */
  prepare(cache: string): Promise<string>;
  readonly batch: number;
  /** Tokens of each sample; several: the file holds samples of all these lengths. */
  readonly lengths: readonly number[];
  readonly rank: number;
  readonly method: 'lora' | 'dora' | 'mora' | 'vera';
  /** Share of the tokens of a sample that carry loss. */
  readonly supervised: number;
  /** Share of the samples set aside for evaluation; 0: none. */
  readonly evalFraction: number;
  readonly dropout: number;
}

/** s is 8 narrow layers, where fixed costs weigh most; m is 44 million parameters. */
const SIZES: Readonly<Record<'s' | 'm', LlamaShape>> = {
  s: SHAPES.b,
  m: { hidden: 512, intermediate: 1408, layers: 12, heads: 8, keyValueHeads: 4, vocabulary: 16384 },
};

const plain = { supervised: 1, evalFraction: 0, dropout: 0 };

const random = (size: 's' | 'm', dtype: 'F32' | 'F16') => (cache: string) =>
  ensureRandomCheckpoint(join(cache, `random-estimate-${size}-${dtype.toLowerCase()}`), SIZES[size], dtype);

function grid(): EstimateCase[] {
  return Array.from({ length: 16 }, (_, i) => {
    const [size, batch, length, rank] = [i & 1, (i >> 1) & 1, (i >> 2) & 1, (i >> 3) & 1];
    // The two generators of a 2^(6−2) fraction: no factor is confounded with another one or with a pair.
    const [method, dtype] = [size ^ batch ^ length, batch ^ length ^ rank];
    const [sizeName, dtypeName] = [size ? 'm' : 's', dtype ? 'F16' : 'F32'] as const;
    const methodName = method ? 'dora' : 'lora';
    const [samples, tokens, r] = [batch ? 4 : 1, length ? 512 : 128, rank ? 64 : 8];
    return {
      id: `${sizeName}-${samples}x${tokens}-r${r}-${methodName}-${dtypeName.toLowerCase()}`,
      prepare: random(sizeName, dtypeName),
      batch: samples,
      lengths: [tokens],
      rank: r,
      method: methodName,
      ...plain,
    } satisfies EstimateCase;
  });
}

const MIXED = [40, 90, 150, 230, 310, 420, 512];

export const ESTIMATE_CASES: readonly EstimateCase[] = [
  ...grid(),
  {
    id: 's-mixed-eval',
    prepare: random('s', 'F32'),
    batch: 4,
    lengths: MIXED,
    rank: 16,
    method: 'lora',
    ...plain,
    supervised: 0.3,
    evalFraction: 0.25,
  },
  {
    id: 'm-mixed-eval',
    prepare: random('m', 'F16'),
    batch: 2,
    lengths: MIXED,
    rank: 16,
    method: 'lora',
    ...plain,
    evalFraction: 0.2,
  },
  {
    id: 's-dropout',
    prepare: random('s', 'F32'),
    batch: 4,
    lengths: [256],
    rank: 16,
    method: 'dora',
    ...plain,
    dropout: 0.1,
  },
  // Matrices of constants; frozen tensors that all layers share.
  { id: 's-mora', prepare: random('s', 'F32'), batch: 4, lengths: [256], rank: 16, method: 'mora', ...plain },
  { id: 's-vera', prepare: random('s', 'F16'), batch: 1, lengths: [256], rank: 64, method: 'vera', ...plain },
];

/** A real checkpoint beside the random ones. */
export function checkpointCases(checkpoint: string): readonly EstimateCase[] {
  const common = { prepare: () => Promise.resolve(checkpoint), lengths: [256], rank: 16, method: 'lora' as const };
  return [
    { id: 'given-1x256-r16-lora', batch: 1, ...common, ...plain },
    { id: 'given-4x256-r16-lora-30', batch: 4, ...common, ...plain, supervised: 0.3 },
  ];
}
