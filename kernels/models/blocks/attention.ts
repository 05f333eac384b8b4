/**
 * @file Causal self-attention with grouped key and value heads. Queries are cut into blocks, and each block sees only
 * the keys up to its own end, and of those no more than its window: about half of the scores are never computed, or more.
 * The heads of a group share their keys, so they are folded into the rows of one product.
 */
import type { Graph, Value } from '../../graph/graph';
import type { KeysAndValues } from '../types';
import type { RopeConfig } from './rope';
import { ropeTables } from './rope';
import { softCapped } from './softCap';
import { add, concat, matmul, reshape, rope, scale, slice, softmax, transpose } from '../../graph/ops';

export interface AttentionShape {
  readonly batch: number;
  readonly length: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
}

/** How the scores of a layer come about. Layers with equal rules share their constants. */
export interface AttentionRule {
  /** null: positions are learned and already in the input. */
  readonly rope: RopeConfig | null;
  /** Factor of the products of queries and keys: 1/√headDim in most families. */
  readonly scale: number;
  /** How many positions a query sees, its own included; null: all up to its own. */
  readonly window: number | null;
  /** Scores are bent into (−softCap, softCap); null: they are not. */
  readonly softCap: number | null;
}

/** Scores by 1/√headDim, all earlier positions seen. */
export const plainRule = (headDim: number, rope: RopeConfig | null): AttentionRule => ({
  rope,
  scale: 1 / Math.sqrt(headDim),
  window: null,
  softCap: null,
});

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

/** Constants that all layers of one rule share. */
export interface AttentionTables {
  readonly rule: AttentionRule;
  /** Rotary tables, those of the queries with the factor of the scores; null: positions are learned elsewhere. */
  readonly rotary: Rotary | null;
  /** Ranges of queries [from, to), each with the first key it sees and the mask of its scores over the keys [first, to). */
  readonly blocks: readonly {
    readonly from: number;
    readonly to: number;
    readonly first: number;
    readonly mask: Value;
  }[];
}

export function attentionTables(graph: Graph, length: number, headDim: number, rule: AttentionRule): AttentionTables {
  const window = rule.window ?? length;
  return {
    rule,
    rotary: rule.rope && {
      q: ropeTables(graph, length, headDim, rule.rope, queryFactor(rule)),
      k: ropeTables(graph, length, headDim, rule.rope),
    },
    blocks: queryBlocks(length).map(([from, to]) => {
      const first = Math.max(0, from - window + 1);
      return { from, to, first, mask: causalMask(graph, from, to, first, window) };
    }),
  };
}

/** What queries are multiplied by; a soft cap's own factor is in it, which saves a pass over the scores. */
export const queryFactor = ({ scale: factor, softCap }: AttentionRule): number => factor / (softCap ?? 1);

/** Added to a score that must not count. Finite, so that a row without any key stays a number. */
export const MASKED = -1e30;

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
  const { rotary, rule } = tables;
  const turned = rotary ? rope(split(q, heads), rotary.q.cos, rotary.q.sin) : scale(split(q, heads), queryFactor(rule));
  const queries = reshape(turned, [batch, kvHeads, group, length, headDim]);
  // [batch, kvHeads, length, headDim]
  const keys = rotary ? rope(split(k, kvHeads), rotary.k.cos, rotary.k.sin) : split(k, kvHeads);
  const values = split(v, kvHeads);
  keep?.({ keys, values });

  const outputs: Value[] = [];
  for (const { from, to, first, mask } of tables.blocks) {
    const rows = to - from;
    const seen = to - first;
    const block = reshape(slice(queries, 3, from, to), [batch, kvHeads, group * rows, headDim]);
    const products = matmul(block, slice(keys, 2, first, to), { transB: true }); // [batch, kvHeads, group·rows, seen]
    const scores = softCapped(products, rule.softCap);
    let masked = add(reshape(scores, [batch, kvHeads, group, rows, seen]), mask);
    if (paddingBias) masked = add(masked, reshape(slice(paddingBias, 1, first, to), [batch, 1, 1, 1, seen]));
    const weights = reshape(softmax(masked), [batch, kvHeads, group * rows, seen]);
    outputs.push(reshape(matmul(weights, slice(values, 2, first, to)), [batch, kvHeads, group, rows, headDim]));
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

/** [to − from, to − first]: a query sees the key of its own position and `window − 1` keys before it. */
function causalMask(graph: Graph, from: number, to: number, first: number, window: number): Value {
  const [rows, seen] = [to - from, to - first];
  const data = Float32Array.from({ length: rows * seen }, (_, i) => {
    const back = from + Math.floor(i / seen) - (first + (i % seen));
    return back < 0 || back >= window ? MASKED : 0;
  });
  return graph.constant(data, [rows, seen]);
}
