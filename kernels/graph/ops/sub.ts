/** @file sub: y = a − b, with broadcasting. */
import type { Value } from '../graph';
import { f32 } from '../graph';
import { apply, defineOp } from '../op';
import { broadcastMap, broadcastType, sumTo } from './broadcasting';
import { scale } from './scale';

export const subOp = defineOp({
  name: 'sub',
  inputs: ['a', 'b'],
  infer: (types) => broadcastType('sub', types),
  emit: (out, { a, b }) => out.node('Sub', [a, b]),
  vjp: ({ inputs: { a, b }, g }) => ({
    a: () => sumTo(g, a.type.shape),
    b: () => sumTo(scale(g, -1), b.type.shape),
  }),
  evaluate: ({ a, b }, _, { shape }) => broadcastMap(a, b, shape, (x, y) => x - y),
  samples: [
    { types: { a: f32(2, 3), b: f32(2, 3) }, attrs: undefined },
    { types: { a: f32(2, 3), b: f32(2, 1) }, attrs: undefined },
  ],
});

export const sub = (a: Value, b: Value): Value => apply(subOp, { a, b }, undefined);
