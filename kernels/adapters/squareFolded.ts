/**
 * @file MoRA through the merged weight of the step, in place of operators on every token: y = x·(W + ΔW)ᵀ and dx = g·(W + ΔW)
 * cost what the base layer costs, and the gradient of M needs the products gᵀ·x of the blocks alone. The merged weight is made
 * anew in backward, so that none lives from the forward to the backward pass.
 */
import type { Value } from '../graph/graph';
import {
  add,
  concat,
  gemm,
  mul,
  pad,
  reshape,
  rope,
  scale,
  scatterAddColumns,
  slice,
  withGradient,
} from '../graph/ops';
import { sumTo } from '../graph/ops/broadcasting';
import type { MoraType } from './squareOperators';
import { adjointOfSharing, blocksOf, rotationTables, SHARING, squareDelta } from './squareOperators';

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
  const merged = (): Value => foldedWeight(weight(), m, type);
  const value = gemm(x, merged(), { transB: true, ...(bias && { c: bias }) });
  return withGradient(value, {
    x: [x, (g) => gemm(g, merged())],
    m: [m, (g) => squareGradient(g, x, rowsOf(m), type)],
    ...(bias && { bias: [bias, (g: Value) => sumTo(g, bias.type.shape)] as const }),
  });
}

/** W + ΔW: [out, in]. Where ΔW has few places in each row, only those are touched. */
function foldedWeight(weight: Value, m: Value, type: MoraType): Value {
  const [out, input, size] = [rowsOf(weight), widthOf(weight), rowsOf(m)];
  if (SHARING[type]) return add(weight, squareDelta(m, input, out, type));
  const all = Math.ceil(input / size);
  // A row of output block b is that of M, turned back by b, at the inputs of block b; blocks start again behind the last.
  const columns = weight.graph.sharedConstant(`mora columns ${out} ${input} ${size}`, () =>
    weight.graph.constant(
      Int32Array.from({ length: out * size }, (_, i) => {
        const block = Math.floor(Math.floor(i / size) / size) % all;
        return (block * size + (i % size)) % input;
      }),
      [out, size],
    ),
  );
  const blocks = blocksOf(input, size, out);
  const rows = reshape(type === 6 ? turnedBack(m, blocks) : repeated(m, blocks), [blocks * size, size]);
  return scatterAddColumns(weight, wrapRows(rows, out), columns);
}

/** M once for each block: [blocks, r̂, r̂]. */
const repeated = (m: Value, blocks: number): Value =>
  reshape(
    concat(
      Array.from({ length: blocks }, () => m),
      0,
    ),
    [blocks, rowsOf(m), rowsOf(m)],
  );

/** M·R_b for each block b, the rows of M turned by −b: [blocks, r̂, r̂]. */
function turnedBack(m: Value, blocks: number): Value {
  const size = rowsOf(m);
  const { cos, sin } = rotationTables(m.graph, blocks, size, -1);
  const across = (table: Value): Value => reshape(table, [blocks, 1, size]);
  const partner = concat([scale(slice(m, 1, size / 2, size), -1), slice(m, 1, 0, size / 2)], 1);
  const flat = (v: Value): Value => reshape(v, [1, size, size]);
  return add(mul(flat(m), across(cos)), mul(flat(partner), across(sin)));
}

/** The first `count` rows of x over x over x … */
function wrapRows(x: Value, count: number): Value {
  const own = rowsOf(x);
  const copies = Array.from({ length: Math.floor(count / own) }, () => x);
  const rest = count % own;
  return concat(rest > 0 ? [...copies, slice(x, 0, 0, rest)] : copies, 0);
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
  const products: Value[] = [];
  for (let block = 0; block < blocks; block++) {
    const from = block * size;
    // Outputs that repeat a block belong to it as well.
    let product: Value | undefined;
    for (let at = from; at < out; at += period) {
      const to = Math.min(at + size, out);
      const own = gemm(slice(g, 1, at, to), wrappedColumns(x, from, size), { transA: true }); // [to − at, r̂]
      const whole = pad(own, 0, 0, size - (to - at));
      product = product ? add(product, whole) : whole;
    }
    if (product) products.push(product);
  }
  const stacked = reshape(concat(products, 0), [blocks, size, size]);
  const turned = type === 6 ? turnedForth(stacked) : stacked;
  return products
    .slice(1)
    .reduce<Value>(
      (sum, _, i) => add(sum, reshape(slice(turned, 0, i + 1, i + 2), [size, size])),
      reshape(slice(turned, 0, 0, 1), [size, size]),
    );
}

/** Block b of [blocks, r̂, r̂] with its rows turned by b: the adjoint of `turnedBack`, before the sum over the blocks. */
function turnedForth(products: Value): Value {
  const [blocks = 0, size = 0] = products.type.shape;
  const { cos, sin } = rotationTables(products.graph, blocks, size, 1);
  return rope(products, reshape(cos, [blocks, 1, size]), reshape(sin, [blocks, 1, size]));
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
