/**
 * @file MoRA through the merged weight of the step, in place of operators on every token: y = x·(W + ΔW)ᵀ and dx = g·(W + ΔW)
 * cost what the base layer costs, and the gradient of M needs the products gᵀ·x of the blocks alone. The merged weight is made
 * anew in backward, so that none lives from the forward to the backward pass.
 */
import type { Value } from '../graph/graph';
import { add, blockProducts, concat, gemm, pad, reduceSum, reshape, slice, withGradient } from '../graph/ops';
import { sumTo } from '../graph/ops/broadcasting';
import type { MoraType } from './squareOperators';
import { adjointOfSharing, blocksOf, rotationMatrix, SHARING, squareDelta, wrap } from './squareOperators';

const rowsOf = (v: Value): number => v.type.shape[0] ?? 0;
const widthOf = (v: Value): number => v.type.shape[1] ?? 0;

/**
 * Whether the merged weight is the cheaper way: passes over the weight, which do not depend on the number of tokens, against
 * passes over the tokens and, where the input is cut into blocks, products of M with each of them.
 */
export function isFoldedCheaper(tokens: number, inFeatures: number, outFeatures: number, type: MoraType): boolean {
  if (type === 'truncate') return false;
  const passes = SHARING[type] ? 2 : 1 / 4;
  return tokens * (inFeatures + outFeatures) >= passes * inFeatures * outFeatures;
}

/** x·(W + ΔW)ᵀ + b: [tokens, out]. `weight` gives W [out, in], `m` is [r̂, r̂]. */
export function foldedLinear(x: Value, weight: () => Value, bias: Value | null, m: Value, type: MoraType): Value {
  const merged = (): Value => add(weight(), squareDelta(m, widthOf(x), rowsOf(weight()), type));
  const value = gemm(x, merged(), { transB: true, ...(bias && { c: bias }) });
  return withGradient(value, {
    x: [x, (g) => gemm(g, merged())],
    m: [m, (g) => squareGradient(g, x, rowsOf(m), type)],
    ...(bias && { bias: [bias, (g: Value) => sumTo(g, bias.type.shape)] as const }),
  });
}

/** The gradient of M [r̂, r̂] from the cotangent g [tokens, out] and the input x [tokens, in]. */
function squareGradient(g: Value, x: Value, size: number, type: MoraType): Value {
  const sharing = SHARING[type];
  if (sharing) {
    const { outputs, inputs } = adjointOfSharing(g, x, size, sharing);
    return gemm(outputs, inputs, { transA: true });
  }
  const [out, input] = [widthOf(g), widthOf(x)];
  const blocks = blocksOf(input, size, out);
  const width = blocks * size;
  const inputs = g.graph.once(`mora blocks of inputs ${x.id} ${width}`, () => wrap(x, width));
  const products = blockProducts(repeatsAdded(g, width), inputs, size);
  const ofBlock = (block: number): Value => reshape(slice(products, 0, block, block + 1), [size, size]);
  if (type !== 6) return reshape(reduceSum(products, [0]), [size, size]);
  let sum = ofBlock(0);
  for (let block = 1; block < blocks; block++) {
    sum = gemm(ofBlock(block), rotationMatrix(g.graph, block, size), { c: sum });
  }
  return sum;
}

/** The cotangents of the outputs of all blocks, `width` columns: outputs that repeat one are added to it, missing ones are 0. */
function repeatsAdded(g: Value, width: number): Value {
  const own = widthOf(g);
  if (own <= width) return pad(g, 1, 0, width - own);
  let sum = slice(g, 1, 0, width);
  for (let from = width; from < own; from += width) {
    const more = slice(g, 1, from, Math.min(from + width, own));
    const added = add(slice(sum, 1, 0, widthOf(more)), more);
    sum = concat(widthOf(more) < width ? [added, slice(sum, 1, widthOf(more), width)] : [added], 1);
  }
  return sum;
}
