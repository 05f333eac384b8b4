/** @file All operators: the door for those who build graphs, and the list that the operator suite runs over. */
import type { AnyOp } from '../op';
import { addOp } from './add';
import { addScalarOp } from './addScalar';
import { blockProductsOp } from './blockProducts';
import { concatOp } from './concat';
import { divOp } from './div';
import { dropoutOp } from './dropout';
import { gatherRowsOp, scatterAddRowsOp } from './gatherRows';
import { geluTanhOp } from './geluTanh';
import { gemmOp } from './gemm';
import { layerNormOp } from './layerNorm';
import { logitNllOp, subtractOneHotOp } from './logitNll';
import { matmulOp } from './matmul';
import { mulOp } from './mul';
import { normalCdfOp, normalPdfOp } from './normalCdf';
import { reciprocalOp } from './reciprocal';
import { expandOp, reduceSumOp } from './reduceSum';
import { isPositiveOp, reluOp } from './relu';
import { reshapeOp } from './reshape';
import { rmsNormOp } from './rmsNorm';
import { ropeOp } from './rope';
import { scaleOp } from './scale';
import { sigmoidOp } from './sigmoid';
import { siluOp } from './silu';
import { padOp, sliceOp } from './slice';
import { softmaxOp } from './softmax';
import { sqrtOp } from './sqrt';
import { stopGradientOp } from './stopGradient';
import { subOp } from './sub';
import { swigluOp } from './swiglu';
import { tanhOp } from './tanh';
import { tokenNllOp } from './tokenNll';
import { transposeOp } from './transpose';
import { withGradientOp } from './withGradient';

export { add } from './add';
export { addScalar } from './addScalar';
export { blockProducts } from './blockProducts';
export { concat } from './concat';
export { div } from './div';
export { dropout } from './dropout';
export { gatherRows, scatterAddRows } from './gatherRows';
export { geluTanh } from './geluTanh';
export { gemm, linear } from './gemm';
export { layerNorm } from './layerNorm';
export { matmul } from './matmul';
export { mul } from './mul';
export { normalCdf, normalPdf } from './normalCdf';
export { reciprocal } from './reciprocal';
export { expand, reduceSum, sumAll } from './reduceSum';
export { relu } from './relu';
export { reshape } from './reshape';
export { rmsNorm } from './rmsNorm';
export { rope } from './rope';
export { scale } from './scale';
export { sigmoid } from './sigmoid';
export { silu } from './silu';
export { pad, slice } from './slice';
export { softmax } from './softmax';
export { sqrt } from './sqrt';
export { stopGradient } from './stopGradient';
export { sub } from './sub';
export { swiglu } from './swiglu';
export { tanh } from './tanh';
export { logitNll } from './logitNll';
export { headLogits, headLoss } from './tokenNll';
export { transpose } from './transpose';
export { withGradient } from './withGradient';

export const operators: readonly AnyOp[] = [
  addOp,
  addScalarOp,
  blockProductsOp,
  concatOp,
  divOp,
  dropoutOp,
  expandOp,
  gatherRowsOp,
  geluTanhOp,
  gemmOp,
  isPositiveOp,
  layerNormOp,
  logitNllOp,
  matmulOp,
  mulOp,
  normalCdfOp,
  normalPdfOp,
  padOp,
  reciprocalOp,
  reduceSumOp,
  reluOp,
  reshapeOp,
  rmsNormOp,
  ropeOp,
  scaleOp,
  scatterAddRowsOp,
  sigmoidOp,
  siluOp,
  sliceOp,
  softmaxOp,
  sqrtOp,
  stopGradientOp,
  subOp,
  subtractOneHotOp,
  swigluOp,
  tanhOp,
  tokenNllOp,
  transposeOp,
  withGradientOp,
];
