/** @file addScalar: y = x + c with a constant c. */
import type { Value } from '../graph';
import { f32 } from '../graph';
import { apply, defineOp } from '../op';

export const addScalarOp = defineOp<'x', { readonly amount: number }>({
  name: 'addScalar',
  inputs: ['x'],
  infer: ({ x }) => ({ dtype: 'f32', shape: x.shape }),
  emit: (out, { x }, { amount }) => out.node('Add', [x, out.scalar(amount)]),
  vjp: ({ g }) => ({ x: () => g }),
  evaluate: ({ x }, { amount }) => x.data.map((v) => v + amount),
  samples: [{ types: { x: f32(2, 3) }, attrs: { amount: 0.25 } }],
});

export const addScalar = (x: Value, amount: number): Value => apply(addScalarOp, { x }, { amount });
