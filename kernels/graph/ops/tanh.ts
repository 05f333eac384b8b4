/** @file tanh, elementwise. */
import type { Value } from '../graph';
import { f32 } from '../graph';
import { apply, defineOp } from '../op';
import { mul } from './mul';
import { sub } from './sub';

export const tanhOp = defineOp({
  name: 'tanh',
  inputs: ['x'],
  infer: ({ x }) => ({ dtype: 'f32', shape: x.shape }),
  emit: (out, { x }) => out.node('Tanh', [x]),
  // dx = g·(1 − y²) = g − g·y²
  vjp: ({ g, output }) => ({ x: () => sub(g, mul(g, mul(output, output))) }),
  evaluate: ({ x }) => x.data.map(Math.tanh),
  samples: [{ types: { x: f32(2, 3) }, attrs: undefined }],
});

export const tanh = (x: Value): Value => apply(tanhOp, { x }, undefined);
