/** @file div: y = a / b, with broadcasting. */
import type { Value } from '../graph';
import { f32 } from '../graph';
import { apply, defineOp } from '../op';
import { broadcastMap, broadcastType, sumTo } from './broadcasting';
import { mul } from './mul';
import { scale } from './scale';

export const divOp = defineOp({
  name: 'div',
  inputs: ['a', 'b'],
  infer: (types) => broadcastType('div', types),
  emit: (out, { a, b }) => out.node('Div', [a, b]),
  // y = a/b  =>  da = g/b,  db = −g·y/b
  vjp: ({ inputs: { a, b }, output, g }) => ({
    a: () => sumTo(div(g, b), a.type.shape),
    b: () => sumTo(scale(div(mul(g, output), b), -1), b.type.shape),
  }),
  evaluate: ({ a, b }, _, { shape }) => broadcastMap(a, b, shape, (x, y) => x / y),
  samples: [
    { types: { a: f32(2, 3), b: f32(2, 3) }, attrs: undefined, values: { b: [1, 2, -1.5, 0.5, 3, -2] } },
    { types: { a: f32(2, 3), b: f32(2, 1) }, attrs: undefined, values: { b: [1.5, -2] } },
  ],
});

export const div = (a: Value, b: Value): Value => apply(divOp, { a, b }, undefined);
