/** @file relu and the step function of its gradient: y = max(x, 0), and 1 where x > 0, else 0. */
import type { Value } from '../graph';
import { f32 } from '../graph';
import { apply, defineOp } from '../op';
import { mul } from './mul';

export const reluOp = defineOp({
  name: 'relu',
  inputs: ['x'],
  infer: ({ x }) => ({ dtype: 'f32', shape: x.shape }),
  emit: (out, { x }) => out.node('Relu', [x]),
  // dx = g where y > 0, else 0: as in PyTorch also at x = 0.
  vjp: ({ g, output }) => ({ x: () => mul(g, isPositive(output)) }),
  evaluate: ({ x }) => x.data.map((v) => Math.max(v, 0)),
  samples: [{ types: { x: f32(2, 3) }, attrs: undefined }],
});

export const isPositiveOp = defineOp({
  name: 'isPositive',
  inputs: ['x'],
  infer: ({ x }) => ({ dtype: 'f32', shape: x.shape }),
  emit: (out, { x }) => out.node('Sign', [out.node('Relu', [x])]),
  // Flat on both sides of its jump.
  vjp: null,
  evaluate: ({ x }) => x.data.map((v) => (v > 0 ? 1 : 0)),
  samples: [{ types: { x: f32(2, 3) }, attrs: undefined }],
});

export const relu = (x: Value): Value => apply(reluOp, { x }, undefined);
export const isPositive = (x: Value): Value => apply(isPositiveOp, { x }, undefined);
