/** @file The causal attention of a model, layer by layer: over whole sequences, or of one new token over what was kept. */
import type { Value } from '../../graph/graph';
import type { ModelInputs } from '../types';
import { attentionTables, causalAttention, type AttentionRule, type AttentionShape, type Projected } from './attention';
import { cachedAttention, decodingTables } from './cachedAttention';

/** The attention of every layer by the layer's rule. The function made gives [tokens, heads·headDim]. */
export function selfAttention(
  { heads, kvHeads, headDim }: Pick<AttentionShape, 'heads' | 'kvHeads' | 'headDim'>,
  { graph, batch, length, paddingBias, keep, past }: ModelInputs,
  ruleOf: (layer: number) => AttentionRule,
): (layer: number, projected: Projected) => Value {
  const shape = { batch, length, heads, kvHeads, headDim };
  if (past) {
    const tables = byRule((rule) => decodingTables(graph, past, headDim, rule));
    return (layer, projected) =>
      cachedAttention(projected, past.layer(layer), tables(ruleOf(layer)), shape, (kept) => keep?.(layer, kept));
  }
  const tables = byRule((rule) => attentionTables(graph, length, headDim, rule));
  return (layer, projected) =>
    causalAttention(projected, tables(ruleOf(layer)), shape, paddingBias, (kept) => keep?.(layer, kept));
}

/** The same tables for rules that say the same. */
function byRule<T>(make: (rule: AttentionRule) => T): (rule: AttentionRule) => T {
  const known = new Map<string, T>();
  return (rule) => {
    const key = JSON.stringify(rule);
    const made = known.get(key) ?? make(rule);
    known.set(key, made);
    return made;
  };
}
