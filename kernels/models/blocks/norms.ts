/** @file Norms that are not an operator of their own. */
import type { Value } from '../../graph/graph';
import { addScalar, rmsNorm } from '../../graph/ops';

/** RMS norm by 1 + weight: weights are stored as what is added to 1, as in the Gemma family. */
export const offsetRmsNorm = (x: Value, weight: Value, epsilon: number): Value =>
  rmsNorm(x, addScalar(weight, 1), epsilon);
