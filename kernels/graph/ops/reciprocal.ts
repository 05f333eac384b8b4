/** @file reciprocal: y = 1/x, elementwise. */
import type { Value } from '../graph';
import { f32 } from '../graph';
import { apply, defineOp } from '../op';
import { mul } from './mul';
import { scale } from './scale';

export const reciprocalOp = defineOp({
  name: 'reciprocal',
  inputs: ['x'],
  infer: ({ x }) => ({ dtype: 'f32', shape: x.shape }),
  emit: (out, { x }) => out.node('Reciprocal', [x]),
  // y = 1/x  =>  dx = −g·y²
  vjp: ({ g, output }) => ({ x: () => scale(mul(g, mul(output, output)), -1) }),
  evaluate: ({ x }) => x.data.map((v) => 1 / v),
  samples: [{ types: { x: f32(2, 2) }, attrs: undefined, values: { x: [0.5, -1, 2, -4] } }],
});

export const reciprocal = (x: Value): Value => apply(reciprocalOp, { x }, undefined);
