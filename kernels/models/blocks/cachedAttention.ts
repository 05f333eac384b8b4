/**
 * @file Attention of one new token in each row over the keys and values that earlier positions kept. Kept keys and the new one
 * are multiplied apart and meet in the scores, so that the cache is read where it lies and never copied.
 */
import type { Graph, Value } from '../../graph/graph';
import { add, concat, gatherRows, matmul, reshape, rope, scale, slice, softmax, transpose } from '../../graph/ops';
import type { KeysAndValues, PastInputs } from '../types';
import type { AttentionShape, Projected, Rotary, Table } from './attention';
import type { RopeConfig } from './rope';
import { ropeTables } from './rope';

/** What all layers share: the rotation of each row's position, and which positions are kept. */
export interface DecodingTables {
  /** Tables [batch, headDim], those of the queries with the factor 1/√headDim; null: positions are learned elsewhere. */
  readonly rotary: Rotary | null;
  /** [batch, 1, 1, capacity] */
  readonly bias: Value;
  readonly capacity: number;
}

export function decodingTables(
  graph: Graph,
  past: PastInputs,
  headDim: number,
  config: RopeConfig | null,
): DecodingTables {
  const { capacity, positions, bias } = past;
  const at = (rope: RopeConfig, factor: number): Table => {
    const { cos, sin } = ropeTables(graph, capacity + 1, headDim, rope, factor);
    return { cos: gatherRows(cos, positions), sin: gatherRows(sin, positions) };
  };
  const batch = bias.type.shape[0] ?? 0;
  const rotary = config && { q: at(config, 1 / Math.sqrt(headDim)), k: at(config, 1) };
  return { rotary, bias: reshape(bias, [batch, 1, 1, capacity]), capacity };
}

/** → [batch, heads·headDim]; `keep` gets the keys and values of the new token, with one position. */
export function cachedAttention(
  { q, k, v }: Projected,
  past: KeysAndValues,
  tables: DecodingTables,
  { batch, heads, kvHeads, headDim }: AttentionShape,
  keep: (kept: KeysAndValues) => void,
): Value {
  const group = heads / kvHeads;
  // Each row has a position of its own, so the rows stand where the positions of a sequence stand: [heads, batch, headDim].
  const turned = (x: Value, count: number, { cos, sin }: Table): Value =>
    transpose(rope(transpose(reshape(x, [batch, count, headDim]), [1, 0, 2]), cos, sin), [1, 0, 2]);
  const { rotary } = tables;
  const turnedQueries = rotary ? turned(q, heads, rotary.q) : scale(q, 1 / Math.sqrt(headDim));
  const queries = reshape(turnedQueries, [batch, kvHeads, group, headDim]);
  const keys = reshape(rotary ? turned(k, kvHeads, rotary.k) : k, [batch, kvHeads, 1, headDim]);
  const values = reshape(v, [batch, kvHeads, 1, headDim]);
  keep({ keys, values });

  const { capacity, bias } = tables;
  const earlier = add(matmul(queries, past.keys, { transB: true }), bias); // [batch, kvHeads, group, capacity]
  const own = matmul(queries, keys, { transB: true }); // [batch, kvHeads, group, 1]
  const weights = softmax(concat([earlier, own], 3));
  const attended = add(
    matmul(slice(weights, 3, 0, capacity), past.values),
    matmul(slice(weights, 3, capacity, capacity + 1), values),
  );
  return reshape(attended, [batch, heads * headDim]);
}
