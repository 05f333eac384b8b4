/** @file The causal attention of a model, layer by layer: over whole sequences, or of one new token over what was kept. */
import type { Value } from '../../graph/graph';
import type { ModelInputs } from '../types';
import { attentionTables, causalAttention, type AttentionShape, type Projected } from './attention';
import { cachedAttention, decodingTables } from './cachedAttention';
import type { RopeConfig } from './rope';

/** `rope` null: positions are learned and already in the input. The function made gives [tokens, heads·headDim]. */
export function selfAttention(
  { heads, kvHeads, headDim }: Pick<AttentionShape, 'heads' | 'kvHeads' | 'headDim'>,
  { graph, batch, length, paddingBias, keep, past }: ModelInputs,
  rope: RopeConfig | null,
): (layer: number, projected: Projected) => Value {
  const shape = { batch, length, heads, kvHeads, headDim };
  if (past) {
    const tables = decodingTables(graph, past, headDim, rope);
    return (layer, projected) =>
      cachedAttention(projected, past.layer(layer), tables, shape, (kept) => keep?.(layer, kept));
  }
  const tables = attentionTables(graph, length, headDim, rope);
  return (layer, projected) => causalAttention(projected, tables, shape, paddingBias, (kept) => keep?.(layer, kept));
}
