/** @file Self-attention in both directions: every token sees every token of its row that is no padding. */
import type { Value } from '../../graph/graph';
import { add, matmul, reshape, scale, softmax, transpose } from '../../graph/ops';
import type { AttentionShape, Projected } from './attention';

/** `paddingBias` f32[batch, length] is added to the scores. → [tokens, heads·headDim]. */
export function bidirectionalAttention(
  { q, k, v }: Projected,
  { batch, length, heads, headDim }: Omit<AttentionShape, 'kvHeads'>,
  paddingBias: Value,
): Value {
  const split = (x: Value): Value => transpose(reshape(x, [batch, length, heads, headDim]), [0, 2, 1, 3]);
  const queries = scale(split(q), 1 / Math.sqrt(headDim));
  const scores = matmul(queries, split(k), { transB: true }); // [batch, heads, length, length]
  const weights = softmax(add(scores, reshape(paddingBias, [batch, 1, 1, length])));
  const attended = transpose(matmul(weights, split(v)), [0, 2, 1, 3]);
  return reshape(attended, [batch * length, heads * headDim]);
}
