/** @file The scalars that are read of a probed layer: the method's own, and how far the layer is from its merged weight. */
import type { BuiltLayer } from '../../adapters/activity';
import type { AdaptedLayer } from '../../adapters/plan';
import type { AnyAdapterMethod } from '../../adapters/types';
import type { Value } from '../../graph/graph';
import { add, gemm, mul, sqrt, sub, sumAll } from '../../graph/ops';

/** Names that no method uses for its own. */
export const [MERGE_ERROR, BRANCH, OUTPUT] = ['merge-error', 'branch', 'output'];

/** `isCompared`: with the merged weight, where the method has an exact one; that forms a matrix of the size of the layer's. */
export function* probeOutputs(
  method: AnyAdapterMethod,
  { config, params }: AdaptedLayer,
  built: BuiltLayer,
  isCompared: boolean,
): Generator<readonly [name: string, value: Value]> {
  const { output, baseOutput } = built;
  yield [OUTPUT, norm(output)];
  yield [BRANCH, norm(sub(output, baseOutput()))];
  yield* Object.entries(method.probes?.(built, config) ?? {});
  const { mergedWeight } = method;
  if (!isCompared || !mergedWeight || method.approximates?.(config) !== undefined) return;
  if (Object.values(params).some(({ isMeasured }) => isMeasured)) return;
  const merged = mergedWeight(built.baseWeight(), built.params, config, built.shared, built.before);
  const bias = built.baseBias();
  const product = gemm(built.x, merged, { transB: true });
  yield [MERGE_ERROR, norm(sub(output, bias ? add(product, bias) : product))];
}

const norm = (v: Value): Value => sqrt(sumAll(mul(v, v)));
