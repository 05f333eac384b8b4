/** @file The scalars that are read of a probed layer: the method's own, and how far the layer is from its merged weight. */
import type { BuiltLayer } from '../../adapters/activity';
import type { AdaptedLayer } from '../../adapters/plan';
import type { AnyAdapterMethod } from '../../adapters/types';
import type { TargetSite } from '../../models/types';
import type { Value } from '../../graph/graph';
import { add, gatherRows, gemm, mul, sqrt, sub, sumAll, transpose } from '../../graph/ops';

/** Names that no method uses for its own. */
export const [MERGE_ERROR, BRANCH, OUTPUT] = ['merge-error', 'branch', 'output'];

/**
 * An embedding or a head of more numbers is not compared with its merged weight. Of each number about four copies in float32 are
 * made on the way, of the base weight, its transpose and the update: 128 MB, where the training itself needs none.
 */
export const COMPARED_MILLIONS = 8;

/** Whether a layer outside the blocks is too large to be compared. */
export const isTooLargeToCompare = ({ layer, inFeatures, outFeatures }: TargetSite): boolean =>
  layer < 0 && inFeatures * outFeatures > 1e6 * COMPARED_MILLIONS;

/** `isCompared`: with the merged weight, where the method has an exact one; that forms a matrix of the size of the layer's. */
export function* probeOutputs(
  method: AnyAdapterMethod,
  { site, config, params }: AdaptedLayer,
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
  const biases = [built.baseBias(), method.deltaBias?.(built.params, config)].filter((bias) => !!bias);
  // To an embedding come token ids, which take their columns out of the merged weight.
  const product =
    site.kind === 'embedding'
      ? gatherRows(transpose(merged, [1, 0]), built.x)
      : gemm(built.x, merged, { transB: true });
  yield [
    MERGE_ERROR,
    norm(
      sub(
        output,
        biases.reduce<Value>((sum, bias) => add(sum, bias), product),
      ),
    ),
  ];
}

const norm = (v: Value): Value => sqrt(sumAll(mul(v, v)));
