/** @file Texts as constants of a graph that is made for them alone, with all that a family reads of them. */
import type { Graph } from '../graph/graph';
import { paddingBias } from '../util/paddingBias';
import type { CommonConfig, ModelArchitecture, ModelInputs } from './types';

/**
 * Token ids padded on the right to the longest text. Padding is never seen: behind causal attention, and in an encoder because
 * of its mask. Of an encoder all tokens are of the first kind.
 */
export function textInputs(
  graph: Graph,
  { architecture: { encoder }, config }: { architecture: ModelArchitecture<CommonConfig>; config: CommonConfig },
  texts: readonly ArrayLike<number>[],
): ModelInputs {
  const [batch, length] = [texts.length, Math.max(...texts.map((ids) => ids.length))];
  const padded = new Int32Array(batch * length);
  texts.forEach((ids, i) => padded.set(ids, i * length));
  return {
    ...{ graph, ids: graph.constant(padded, [padded.length]), batch, length },
    ...(encoder && {
      positions: graph.constant(encoder.positions(config, padded, length), [padded.length]),
      paddingBias: graph.constant(paddingBias(texts, length), [batch, length]),
    }),
  };
}
