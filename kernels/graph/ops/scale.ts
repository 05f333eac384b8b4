/** @file scale: y = c·x with a constant c; c is an attribute, so that a scaling factor costs no tensor. */
import type { Value } from '../graph';
import { f32 } from '../graph';
import { apply, defineOp } from '../op';

export const scaleOp = defineOp<'x', { readonly by: number }>({
  name: 'scale',
  inputs: ['x'],
  infer: ({ x }) => ({ dtype: 'f32', shape: x.shape }),
  emit: (out, { x }, { by }) => out.node('Mul', [x, out.scalar(by)]),
  vjp: ({ g, attrs }) => ({ x: () => scale(g, attrs.by) }),
  evaluate: ({ x }, { by }) => x.data.map((v) => v * by),
  samples: [{ types: { x: f32(2, 3) }, attrs: { by: -1.5 } }],
});

export const scale = (x: Value, by: number): Value => (by === 1 ? x : apply(scaleOp, { x }, { by }));
