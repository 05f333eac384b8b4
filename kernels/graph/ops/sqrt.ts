/** @file sqrt: y = √x, elementwise, for x > 0. */
import type { Value } from '../graph';
import { f32 } from '../graph';
import { apply, defineOp } from '../op';
import { div } from './div';
import { scale } from './scale';

export const sqrtOp = defineOp({
  name: 'sqrt',
  inputs: ['x'],
  infer: ({ x }) => ({ dtype: 'f32', shape: x.shape }),
  emit: (out, { x }) => out.node('Sqrt', [x]),
  // y = √x  =>  dx = g / (2y)
  vjp: ({ g, output }) => ({ x: () => scale(div(g, output), 0.5) }),
  evaluate: ({ x }) => x.data.map(Math.sqrt),
  samples: [{ types: { x: f32(2, 2) }, attrs: undefined, values: { x: [0.5, 1, 2, 9] } }],
});

export const sqrt = (x: Value): Value => apply(sqrtOp, { x }, undefined);
