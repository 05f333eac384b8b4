/**
 * @file Causal self-attention with grouped key and value heads. Queries are cut into blocks, and each block sees only
 * the keys up to its own end: about half of the scores are never computed. The heads of a group share their keys, so
 * they are folded into the rows of one product.
 */
import type { Graph, Value } from '../../graph/graph';
import type { KeysAndValues } from '../types';
import type { RopeConfig } from './rope';
import { ropeTables } from './rope';
import { add, concat, matmul, reshape, rope, scale, slice, softmax, transpose } from '../../graph/ops';

export interface AttentionShape {
  readonly batch: number;
  readonly length: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
}

/** q [tokens, heads·headDim], k and v [tokens, kvHeads·headDim]. */
export interface Projected {
  readonly q: Value;
  readonly k: Value;
  readonly v: Value;
}

export type Table = { readonly cos: Value; readonly sin: Value };

/** How queries and keys are turned. */
export interface Rotary {
  readonly q: Table;
  readonly k: Table;
}

/** Constants that all layers of a graph share. */
export interface AttentionTables {
  /** Rotary tables, those of the queries with the factor 1/√headDim of the scores; null: positions are learned elsewhere. */
  readonly rotary: Rotary | null;
  /** Ranges of queries, each with the mask of its scores. */
  readonly blocks: readonly { readonly from: number; readonly to: number; readonly mask: Value }[];
}

export function attentionTables(
  graph: Graph,
  length: number,
  headDim: number,
  rope: RopeConfig | null,
): AttentionTables {
  return {
    rotary: rope && {
      q: ropeTables(graph, length, headDim, rope, 1 / Math.sqrt(headDim)),
      k: ropeTables(graph, length, headDim, rope),
    },
    blocks: queryBlocks(length).map(([from, to]) => ({ from, to, mask: causalMask(graph, from, to) })),
  };
}

/** Added to a score that must not count. Finite, so that a row without any key stays a number. */
const MASKED = -1e30;

/** → [tokens, heads·headDim]. */
export function causalAttention(
  { q, k, v }: Projected,
  tables: AttentionTables,
  shape: AttentionShape,
  paddingBias?: Value,
  keep?: (kept: KeysAndValues) => void,
): Value {
  const { batch, length, heads, kvHeads, headDim } = shape;
  const group = heads / kvHeads;
  const split = (x: Value, count: number): Value =>
    transpose(reshape(x, [batch, length, count, headDim]), [0, 2, 1, 3]);
  const { rotary } = tables;
  const turned = rotary
    ? rope(split(q, heads), rotary.q.cos, rotary.q.sin)
    : scale(split(q, heads), 1 / Math.sqrt(headDim));
  const queries = reshape(turned, [batch, kvHeads, group, length, headDim]);
  // [batch, kvHeads, length, headDim]
  const keys = rotary ? rope(split(k, kvHeads), rotary.k.cos, rotary.k.sin) : split(k, kvHeads);
  const values = split(v, kvHeads);
  keep?.({ keys, values });

  const outputs: Value[] = [];
  for (const { from, to, mask } of tables.blocks) {
    const rows = to - from;
    const block = reshape(slice(queries, 3, from, to), [batch, kvHeads, group * rows, headDim]);
    const scores = matmul(block, slice(keys, 2, 0, to), { transB: true }); // [batch, kvHeads, group·rows, to]
    let masked = add(reshape(scores, [batch, kvHeads, group, rows, to]), mask);
    if (paddingBias) masked = add(masked, reshape(slice(paddingBias, 1, 0, to), [batch, 1, 1, 1, to]));
    const weights = reshape(softmax(masked), [batch, kvHeads, group * rows, to]);
    outputs.push(reshape(matmul(weights, slice(values, 2, 0, to)), [batch, kvHeads, group, rows, headDim]));
  }
  const joined = reshape(concat(outputs, 3), [batch, heads, length, headDim]);
  return reshape(transpose(joined, [0, 2, 1, 3]), [batch * length, heads * headDim]);
}

/** Blocks of 64 queries up to 512 tokens, then 8 blocks: finer ones cost more in small products than they save. */
function queryBlocks(length: number): readonly (readonly [number, number])[] {
  const size = Math.max(64, Math.ceil(length / 8));
  return Array.from(
    { length: Math.ceil(length / size) },
    (_, i) => [i * size, Math.min(length, (i + 1) * size)] as const,
  );
}

function causalMask(graph: Graph, from: number, to: number): Value {
  const rows = to - from;
  const data = Float32Array.from({ length: rows * to }, (_, i) => (i % to > from + Math.floor(i / to) ? MASKED : 0));
  return graph.constant(data, [rows, to]);
}
