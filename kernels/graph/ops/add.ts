/** @file add: y = a + b, with broadcasting. */
import type { Value } from '../graph';
import { f32 } from '../graph';
import { apply, defineOp } from '../op';
import { broadcastMap, broadcastType, sumTo } from './broadcasting';

export const addOp = defineOp({
  name: 'add',
  inputs: ['a', 'b'],
  infer: (types) => broadcastType('add', types),
  emit: (out, { a, b }) => out.node('Add', [a, b]),
  vjp: ({ inputs: { a, b }, g }) => ({
    a: () => sumTo(g, a.type.shape),
    b: () => sumTo(g, b.type.shape),
  }),
  evaluate: ({ a, b }, _, { shape }) => broadcastMap(a, b, shape, (x, y) => x + y),
  samples: [
    { types: { a: f32(2, 3), b: f32(2, 3) }, attrs: undefined },
    { types: { a: f32(2, 3), b: f32(3) }, attrs: undefined },
    { types: { a: f32(1, 3), b: f32(4, 2, 1) }, attrs: undefined },
    { types: { a: f32(), b: f32(2) }, attrs: undefined },
  ],
});

export const add = (a: Value, b: Value): Value => apply(addOp, { a, b }, undefined);
