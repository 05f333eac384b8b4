/**
 * @file What `npm run bench -- estimate` compares: a quarter of all combinations of two model sizes, batch, length, rank,
 * method and dtype in which every factor meets every other one evenly, and cases in which a run holds several graphs.
 */
import { join } from 'node:path';
import { ensureRandomCheckpoint, ensureRandomModel } from './randomCheckpoint';
import { SHAPES, type LlamaShape } from './shapes';

export interface EstimateCase {
  readonly id: string;
  /** Makes the checkpoint when it is missing; returns its folder. */
  prepare(cache: string): Promise<string>;
  readonly batch: number;
  /** Tokens of each sample; several: the file holds samples of all these lengths. */
  readonly lengths: readonly number[];
  /** The section of the configuration. */
  readonly adapter: Readonly<Record<string, unknown>> & { readonly method: string };
  /** Share of the tokens of a sample that carry loss. */
  readonly supervised: number;
  /** Share of the samples set aside for evaluation; 0: none. */
  readonly evalFraction: number;
  /** The texts have labels of so many classes; 0: they are learnt token by token. */
  readonly classes: number;
  /** Steps of a cycle, of which there are three; 0: no restarts. */
  readonly restartEvery: number;
}

/** s is 8 narrow layers, where fixed costs weigh most; m is 44 million parameters. */
const SIZES: Readonly<Record<'s' | 'm', LlamaShape>> = {
  s: SHAPES.b,
  m: { hidden: 512, intermediate: 1408, layers: 12, heads: 8, keyValueHeads: 4, vocabulary: 16384 },
};

const plain = { supervised: 1, evalFraction: 0, classes: 0, restartEvery: 0 };

const everywhere = { target_modules: 'all-linear' };
const lowRank = (method: string, r: number) => ({ method, r, lora_alpha: 2 * r, ...everywhere });

const random = (size: 's' | 'm', dtype: 'F32' | 'F16') => (cache: string) =>
  ensureRandomCheckpoint(join(cache, `random-estimate-${size}-${dtype.toLowerCase()}`), SIZES[size], dtype);

/** Of 8 blocks of width 384: an encoder without a head, and GPT-2. */
const FAMILIES = {
  roberta: {
    architectures: ['RobertaModel'],
    model_type: 'roberta',
    hidden_size: 384,
    intermediate_size: 1536,
    num_hidden_layers: 8,
    num_attention_heads: 6,
    vocab_size: 8192,
    max_position_embeddings: 514,
    type_vocab_size: 1,
    pad_token_id: 0,
    layer_norm_eps: 1e-5,
  },
  gpt2: {
    architectures: ['GPT2LMHeadModel'],
    model_type: 'gpt2',
    n_embd: 384,
    n_layer: 8,
    n_head: 6,
    n_positions: 1024,
    vocab_size: 8192,
    activation_function: 'gelu_new',
    bos_token_id: 0,
    eos_token_id: 0,
  },
} as const;

const family = (name: keyof typeof FAMILIES, dtype: 'F32' | 'F16') => (cache: string) =>
  ensureRandomModel(join(cache, `random-estimate-${name}-${dtype.toLowerCase()}`), FAMILIES[name], dtype);

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
      adapter: lowRank(methodName, r),
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
    adapter: lowRank('lora', 16),
    ...plain,
    supervised: 0.3,
    evalFraction: 0.25,
  },
  {
    id: 'm-mixed-eval',
    prepare: random('m', 'F16'),
    batch: 2,
    lengths: MIXED,
    adapter: lowRank('lora', 16),
    ...plain,
    evalFraction: 0.2,
  },
  {
    id: 's-dropout',
    prepare: random('s', 'F32'),
    batch: 4,
    lengths: [256],
    adapter: { ...lowRank('dora', 16), lora_dropout: 0.1 },
    ...plain,
  },
  ...methodCases(),
];

/** What every other method holds besides a low-rank adapter, and other families. */
function methodCases(): readonly EstimateCase[] {
  const small = { prepare: random('s', 'F32'), batch: 4, lengths: [256], ...plain };
  const medium = { prepare: random('m', 'F16'), batch: 1, lengths: [128], ...plain };
  const mora = { method: 'mora', r: 16, mora_type: 6, ...everywhere };
  return [
    // Matrices of constants; frozen tensors that all layers share.
    { id: 's-mora', ...small, adapter: mora },
    { id: 'm-mora-1', ...medium, adapter: { ...mora, mora_type: 1 } },
    {
      id: 's-vera',
      ...small,
      prepare: random('s', 'F16'),
      batch: 1,
      adapter: { method: 'vera', r: 64, ...everywhere },
    },
    { id: 'm-vera', ...medium, adapter: { method: 'vera', r: 256, ...everywhere } },
    { id: 's-reslora-bs', ...small, adapter: { ...lowRank('reslora', 16), variant: 'bs' } },
    { id: 'm-pissa', ...medium, adapter: { ...lowRank('lora', 64), init_lora_weights: 'pissa' } },
    // Later cycles read merged weights in float32, and keep the merged adapters.
    { id: 's-relora', ...small, adapter: lowRank('lora', 16), restartEvery: 2 },
    { id: 'm-relora', ...medium, adapter: lowRank('lora', 64), restartEvery: 2 },
    { id: 'm-remora', ...medium, adapter: { ...mora, mora_type: 1 }, restartEvery: 2 },
    // No adapter: the weights themselves are the parameters.
    { id: 's-full', ...small, adapter: { method: 'full' } },
    { id: 'm-full', ...medium, adapter: { method: 'full' } },
    { id: 'm-last-layers', ...medium, adapter: { method: 'last_layers', num_layers: 2 } },
    { id: 'gpt2-bitfit', ...small, prepare: family('gpt2', 'F32'), adapter: { method: 'bitfit' } },
    { id: 'gpt2-lora', ...small, prepare: family('gpt2', 'F16'), adapter: lowRank('lora', 16) },
    {
      id: 'roberta-lora',
      ...small,
      prepare: family('roberta', 'F32'),
      batch: 8,
      lengths: MIXED,
      adapter: lowRank('lora', 16),
      classes: 3,
      evalFraction: 0.25,
    },
    {
      id: 'roberta-full',
      ...small,
      prepare: family('roberta', 'F32'),
      adapter: { method: 'full' },
      classes: 3,
    },
  ];
}

/** A real checkpoint beside the random ones. */
export function checkpointCases(checkpoint: string): readonly EstimateCase[] {
  const common = { prepare: () => Promise.resolve(checkpoint), lengths: [256], adapter: lowRank('lora', 16) };
  return [
    { id: 'given-1x256-r16-lora', batch: 1, ...common, ...plain },
    { id: 'given-4x256-r16-lora-30', batch: 4, ...common, ...plain, supervised: 0.3 },
  ];
}
