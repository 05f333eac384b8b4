/** @file mul: y = a ⊙ b, with broadcasting. */
import type { Value } from '../graph';
import { f32 } from '../graph';
import { apply, defineOp } from '../op';
import { broadcastMap, broadcastType, sumTo } from './broadcasting';

export const mulOp = defineOp({
  name: 'mul',
  inputs: ['a', 'b'],
  infer: (types) => broadcastType('mul', types),
  emit: (out, { a, b }) => out.node('Mul', [a, b]),
  // y = a ⊙ b  =>  da = g ⊙ b, summed back over the axes along which a was broadcast
  vjp: ({ inputs: { a, b }, g }) => ({
    a: () => sumTo(mul(g, b), a.type.shape),
    b: () => sumTo(mul(g, a), b.type.shape),
  }),
  evaluate: ({ a, b }, _, { shape }) => broadcastMap(a, b, shape, (x, y) => x * y),
  samples: [
    { types: { a: f32(2, 3), b: f32(2, 3) }, attrs: undefined },
    { types: { a: f32(4, 3), b: f32(3) }, attrs: undefined },
    { types: { a: f32(4, 1), b: f32(2, 1, 3) }, attrs: undefined },
  ],
});

export const mul = (a: Value, b: Value): Value => apply(mulOp, { a, b }, undefined);
