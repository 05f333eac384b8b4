/** @file Arithmetic that methods with two low-rank factors share: A [rank, in], B [out, rank]. */
import type { Value } from '../graph/graph';
import { add, gatherRows, gemm, transpose } from '../graph/ops';
import type { TargetSite } from '../models/types';
import { flag, integer, number } from '../util/fields';
import type { ConfigOf } from '../util/fields';

/** W + scaling·B·A: [out, in]. A negative scaling takes the update away again. */
export const lowRankMerged = (baseWeight: Value, a: Value, b: Value, scaling: number): Value =>
  add(gemm(b, a, { alpha: scaling }), baseWeight);

/** base + scaling·(x·Aᵀ)·Bᵀ without forming the delta weight: [tokens, out]. */
export const lowRankForward = (base: Value, x: Value, a: Value, b: Value, scaling: number): Value =>
  gemm(gemm(x, a, { transB: true }), b, { transB: true, alpha: scaling, c: base });

/** LoRA+ has a rate of its own for factors of embeddings. */
export const groupOf = ({ kind }: Pick<TargetSite, 'kind'>): { readonly group?: string } =>
  kind === 'embedding' ? { group: EMBEDDING_GROUP } : {};

export const EMBEDDING_GROUP = 'embedding';

/** base + scaling·(rows of Aᵀ)·Bᵀ at an embedding, `ids` i32[tokens]. */
export const lowRankEmbedded = (base: Value, ids: Value, a: Value, b: Value, scaling: number): Value =>
  gemm(gatherRows(transpose(a, [1, 0]), ids), b, { transB: true, alpha: scaling, c: base });

/** Fields that every method with two low-rank factors has. */
export const lowRankFields = {
  r: integer({
    default: 8,
    min: 1,
    label: 'Rank',
    help: 'Rank r of the update B·A. A larger rank can learn more and costs memory and time in proportion.',
  }),
  lora_alpha: number({
    default: 16,
    above: 0,
    label: 'Alpha',
    help: 'Numerator of the scaling factor alpha / r by which the update is multiplied.',
  }),
  use_rslora: flag({
    default: false,
    label: 'Rank-stabilised scaling',
    help: 'Scales by alpha / √r in place of alpha / r, which keeps large ranks learning.',
  }),
  lora_dropout: number({
    default: 0,
    min: 0,
    below: 1,
    isTrainingOnly: true,
    label: 'Dropout',
    help: 'Probability with which an input of the adapter branch is dropped in training. The base path is never dropped.',
  }),
};

/** alpha / r, or alpha / √r for rank-stabilised scaling. */
export const scalingOf = (c: Pick<ConfigOf<typeof lowRankFields>, 'r' | 'lora_alpha' | 'use_rslora'>): number =>
  c.lora_alpha / (c.use_rslora ? Math.sqrt(c.r) : c.r);
