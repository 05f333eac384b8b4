/** @file Norms of the rows of a merged weight, for methods with a magnitude per output: DoRA and DVoRA. */
import type { Value } from '../graph/graph';
import { add, addScalar, gemm, mul, reduceSum, reshape, sqrt } from '../graph/ops';

/** Keeps the quotient of a dead row (m = c = 0) at 0; far below the square of any weight that a float32 norm can see. */
const TINY = 1e-30;

/** Row norms of v [out, in]: [out]. */
export const rowNorm = (v: Value): Value => sqrt(addScalar(rowSum(mul(v, v)), TINY));

/**
 * Row norms of W + s·B·A from products with A and B only: [out]. ‖w + s·b·A‖² = ‖w‖² + b·(2s·A·wᵀ + s²·A·Aᵀ·bᵀ) for each
 * row. No matrix of the size of W is made but its square, which does not change.
 */
export function factoredNorm(w: Value, a: Value, b: Value, s: number): Value {
  const cross = gemm(w, a, { transB: true, alpha: 2 * s }); // [out, r]
  const own = gemm(a, a, { transB: true, alpha: s * s }); // [r, r]
  const moved = rowSum(mul(b, gemm(b, own, { c: cross })));
  return sqrt(add(moved, addScalar(rowSum(mul(w, w)), TINY)));
}

/** Sum of each row of [rows, cols]: [rows]. */
export const rowSum = (v: Value): Value => reshape(reduceSum(v, [1]), [v.type.shape[0] ?? 0]);

/** A vector as a column: [out, 1]. */
export const column = (v: Value): Value => reshape(v, [v.type.shape[0] ?? 0, 1]);
