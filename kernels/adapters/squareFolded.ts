/**
 * @file MoRA through the merged weight of the step, in place of operators on every token: y = x·(W + ΔW)ᵀ and dx = g·(W + ΔW)
 * cost what the base layer costs, and the gradient of M needs the products gᵀ·x of the blocks alone. The merged weight is made
 * anew in backward, so that none lives from the forward to the backward pass.
 */
import type { Value } from '../graph/graph';
import { add, concat, gemm, pad, slice, withGradient } from '../graph/ops';
import { sumTo } from '../graph/ops/broadcasting';
import type { MoraType } from './squareOperators';
import { adjointOfSharing, blocksOf, rotationMatrix, SHARING, squareDelta } from './squareOperators';

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
  const period = Math.ceil(input / size) * size;
  let sum: Value | undefined;
  for (let block = 0; block < blocks; block++) {
    const from = block * size;
    const cotangent = outputsOf(g, from, size, period);
    const product = gemm(cotangent, wrappedColumns(x, from, size), { transA: true });
    const whole = pad(product, 0, 0, size - widthOf(cotangent));
    sum =
      type === 6 && block > 0
        ? gemm(whole, rotationMatrix(g.graph, block, size), { ...(sum && { c: sum }) })
        : sum
          ? add(sum, whole)
          : whole;
  }
  if (!sum) throw new Error('a layer without inputs or outputs');
  return sum;
}

/** The cotangents of the outputs [from, from + size) and of those that repeat them, summed; narrower where none has all. */
function outputsOf(g: Value, from: number, size: number, period: number): Value {
  const width = widthOf(g);
  let sum: Value | undefined;
  for (let at = from; at < width; at += period) {
    const part = slice(g, 1, at, Math.min(at + size, width));
    sum = sum ? add(sum, pad(part, 1, 0, widthOf(sum) - widthOf(part))) : part;
  }
  return sum ?? g;
}

/** Columns [from, from + size) of x, which start again behind the last. */
function wrappedColumns(x: Value, from: number, size: number): Value {
  const parts: Value[] = [];
  const width = widthOf(x);
  for (let at = from, left = size; left > 0;) {
    const start = at % width;
    const count = Math.min(left, width - start);
    parts.push(slice(x, 1, start, start + count));
    at += count;
    left -= count;
  }
  return concat(parts, 1);
}
