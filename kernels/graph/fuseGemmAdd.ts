/**
 * @file Pass: x + gemm(a, b) becomes gemm(a, b, c = x) when nothing else reads the product. Sums of products are what
 * a backward pass consists of; the runtime's matrix product adds c for 1–2 % of its time where a sum is a pass of its own.
 */
import type { Node, Value } from './graph';
import { sameShape } from './graph';
import { addOp } from './ops/add';
import { gemmOp } from './ops/gemm';
import type { Program } from './program';
import { collect } from './program';

export function fuseGemmAdd(program: Program): Program {
  const readers = new Map<Value, number>();
  const count = (v: Value): void => void readers.set(v, (readers.get(v) ?? 0) + 1);
  for (const { inputs } of program.nodes) Object.values(inputs).forEach(count);
  for (const value of program.outputs.values()) count(value);

  const replaced = new Map<Value, Node>();
  const fusable = (product: Value, other: Value, sum: Value): boolean =>
    product.producer?.op === gemmOp &&
    !('c' in product.producer.inputs) &&
    readers.get(product) === 1 &&
    // Equal shapes: c could also be a row, but a sum that broadcasts its product is not a sum of products.
    sameShape(other.type.shape, sum.type.shape) &&
    sameShape(product.type.shape, sum.type.shape);
  for (const node of program.nodes) {
    if (node.op !== addOp) continue;
    const { a, b } = node.inputs;
    if (!a || !b || a === b) continue;
    const [product, other] = fusable(b, a, node.output) ? [b, a] : fusable(a, b, node.output) ? [a, b] : [];
    if (!product?.producer || !other) continue;
    const { op, inputs, attrs, scope } = product.producer;
    replaced.set(node.output, { op, inputs: { ...inputs, c: other }, attrs, scope, output: node.output });
  }
  return collect(program.outputs, (value) => replaced.get(value) ?? value.producer);
}
