/** @file Norms of the rows of a merged weight, for methods with a magnitude per output: DoRA and DVoRA. */
import type { Value } from '../graph/graph';
import { add, addScalar, gemm, mul, reduceSum, reshape, scale, sqrt } from '../graph/ops';

/** Keeps the quotient of a dead row (m = c = 0) at 0; far below the square of any weight that a float32 norm can see. */
const TINY = 1e-30;

/** Row norms of v [out, in]: [out]. */
export const rowNorm = (v: Value): Value => sqrt(addScalar(rowSum(mul(v, v)), TINY));

/** Row norms of W + s·B·A from products with A and B only: [out]. No matrix of the size of W is made but its square. */
export function factoredNorm(w: Value, a: Value, b: Value, s: number): Value {
  const p = gemm(w, a, { transB: true }); // [out, r]
  const q = gemm(a, a, { transB: true }); // [r, r]
  const cross = scale(rowSum(mul(b, p)), 2 * s);
  const own = scale(rowSum(mul(gemm(b, q), b)), s * s);
  return sqrt(addScalar(add(add(rowSum(mul(w, w)), cross), own), TINY));
}

/** Sum of each row of [rows, cols]: [rows]. */
export const rowSum = (v: Value): Value => reshape(reduceSum(v, [1]), [v.type.shape[0] ?? 0]);

/** A vector as a column: [out, 1]. */
export const column = (v: Value): Value => reshape(v, [v.type.shape[0] ?? 0, 1]);
