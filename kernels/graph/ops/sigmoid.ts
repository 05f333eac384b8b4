/** @file sigmoid: y = 1/(1 + e^−x), elementwise. */
import type { Value } from '../graph';
import { f32 } from '../graph';
import { apply, defineOp } from '../op';
import { mul } from './mul';
import { sub } from './sub';

export const sigmoidOp = defineOp({
  name: 'sigmoid',
  inputs: ['x'],
  infer: ({ x }) => ({ dtype: 'f32', shape: x.shape }),
  emit: (out, { x }) => out.node('Sigmoid', [x]),
  // dx = g·y·(1 − y) = g·(y − y²)
  vjp: ({ g, output }) => ({ x: () => mul(g, sub(output, mul(output, output))) }),
  evaluate: ({ x }) => x.data.map((v) => 1 / (1 + Math.exp(-v))),
  samples: [{ types: { x: f32(2, 3) }, attrs: undefined }],
});

export const sigmoid = (x: Value): Value => apply(sigmoidOp, { x }, undefined);
