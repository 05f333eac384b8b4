/** @file Arithmetic that methods with two low-rank factors share: A [rank, in], B [out, rank]. */
import type { Value } from '../graph/graph';
import { add, gemm } from '../graph/ops';

/** W + scaling·B·A: [out, in]. A negative scaling takes the update away again. */
export const lowRankMerged = (baseWeight: Value, a: Value, b: Value, scaling: number): Value =>
  add(gemm(b, a, { alpha: scaling }), baseWeight);

/** base + scaling·(x·Aᵀ)·Bᵀ without forming the delta weight: [tokens, out]. */
export const lowRankForward = (base: Value, x: Value, a: Value, b: Value, scaling: number): Value =>
  gemm(gemm(x, a, { transB: true }), b, { transB: true, alpha: scaling, c: base });
