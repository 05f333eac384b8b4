/**
 * @file Attention of one new token in each row over the keys and values that earlier positions kept. Kept keys and the new one
 * are multiplied apart and meet in the scores, so that the cache is read where it lies and never copied.
 */
import type { Graph, Value } from '../../graph/graph';
import { add, concat, gatherRows, matmul, reshape, rope, scale, slice, softmax, transpose } from '../../graph/ops';
import type { KeysAndValues, PastInputs } from '../types';
import type { AttentionRule, AttentionShape, Projected, Rotary, Table } from './attention';
import { queryFactor } from './attention';
import type { RopeConfig } from './rope';
import { ropeTables } from './rope';
import { softCapped } from './softCap';

/** What layers of one rule share: the rotation of each row's position, and which positions are kept and seen. */
export interface DecodingTables {
  readonly rule: AttentionRule;
  /** Tables [batch, headDim], those of the queries with the factor of the scores; null: positions are learned elsewhere. */
  readonly rotary: Rotary | null;
  /** [batch, 1, 1, capacity] */
  readonly bias: Value;
  readonly capacity: number;
}

export function decodingTables(graph: Graph, past: PastInputs, headDim: number, rule: AttentionRule): DecodingTables {
  const { capacity, positions } = past;
  const at = (config: RopeConfig, factor: number): Table => {
    const { cos, sin } = ropeTables(graph, capacity + 1, headDim, config, factor);
    return { cos: gatherRows(cos, positions), sin: gatherRows(sin, positions) };
  };
  const bias = past.bias(rule.window);
  const batch = bias.type.shape[0] ?? 0;
  const rotary = rule.rope && { q: at(rule.rope, queryFactor(rule)), k: at(rule.rope, 1) };
  return { rule, rotary, bias: reshape(bias, [batch, 1, 1, capacity]), capacity };
}

/** → [batch, heads·headDim]; `keep` gets the keys and values of the new token, with one position. */
export function cachedAttention(
  { q, k, v }: Projected,
  past: KeysAndValues,
  { rule, rotary, bias, capacity }: DecodingTables,
  { batch, heads, kvHeads, headDim }: AttentionShape,
  keep: (kept: KeysAndValues) => void,
): Value {
  const group = heads / kvHeads;
  // Each row has a position of its own, so the rows stand where the positions of a sequence stand: [heads, batch, headDim].
  const turned = (x: Value, count: number, { cos, sin }: Table): Value =>
    transpose(rope(transpose(reshape(x, [batch, count, headDim]), [1, 0, 2]), cos, sin), [1, 0, 2]);
  const turnedQueries = rotary ? turned(q, heads, rotary.q) : scale(q, queryFactor(rule));
  const queries = reshape(turnedQueries, [batch, kvHeads, group, headDim]);
  const keys = reshape(rotary ? turned(k, kvHeads, rotary.k) : k, [batch, kvHeads, 1, headDim]);
  const values = reshape(v, [batch, kvHeads, 1, headDim]);
  keep({ keys, values });

  const scores = (of: Value): Value => softCapped(matmul(queries, of, { transB: true }), rule.softCap);
  const earlier = add(scores(past.keys), bias); // [batch, kvHeads, group, capacity]
  const own = scores(keys); // [batch, kvHeads, group, 1]
  const weights = softmax(concat([earlier, own], 3));
  const attended = add(
    matmul(slice(weights, 3, 0, capacity), past.values),
    matmul(slice(weights, 3, capacity, capacity + 1), values),
  );
  return reshape(attended, [batch, heads * headDim]);
}
