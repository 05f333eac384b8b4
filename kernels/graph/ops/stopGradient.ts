/** @file stopGradient: the identity forwards, nothing backwards; for what a method or a saved residual detaches. */
import type { Value } from '../graph';
import { f32 } from '../graph';
import { apply, defineOp } from '../op';

export const stopGradientOp = defineOp({
  name: 'stopGradient',
  inputs: ['x'],
  infer: ({ x }) => x,
  emit: (_, { x }) => x,
  vjp: null,
  evaluate: ({ x }) => x.data.slice(),
  samples: [{ types: { x: f32(2, 3) }, attrs: undefined }],
});

export const stopGradient = (x: Value): Value => apply(stopGradientOp, { x }, undefined);
