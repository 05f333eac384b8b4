/** @file softmax over the last axis: y = e^x / Σ e^x. */
import type { Value } from '../graph';
import { f32 } from '../graph';
import { apply, defineOp } from '../op';
import { mul } from './mul';
import { reduceSum } from './reduceSum';
import { sub } from './sub';

export const softmaxOp = defineOp({
  name: 'softmax',
  inputs: ['x'],
  infer: ({ x }) => ({ dtype: 'f32', shape: x.shape }),
  emit: (out, { x }) => out.node('Softmax', [x], { axis: { int: -1 } }),
  // dx = y ⊙ (g − Σ g ⊙ y)
  vjp: ({ output: y, g }) => ({
    x: () => mul(y, sub(g, reduceSum(mul(g, y), [y.type.shape.length - 1]))),
  }),
  evaluate: ({ x }) => {
    const width = x.shape.at(-1) ?? 1;
    const out = new Float64Array(x.data.length);
    for (let row = 0; row < out.length; row += width) {
      const values = x.data.subarray(row, row + width);
      const max = values.reduce((a, b) => Math.max(a, b), -Infinity);
      const sum = values.reduce((n, v) => n + Math.exp(v - max), 0);
      values.forEach((v, i) => (out[row + i] = Math.exp(v - max) / sum));
    }
    return out;
  },
  samples: [{ types: { x: f32(2, 3, 4) }, attrs: undefined }],
});

export const softmax = (x: Value): Value => apply(softmaxOp, { x }, undefined);
