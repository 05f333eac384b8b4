/** @file silu: y = x·σ(x), elementwise (also called swish). One pass on the CPU. */
import type { Value } from '../graph';
import { f32 } from '../graph';
import { MICROSOFT } from '../onnx/writer';
import { apply, defineOp } from '../op';
import { add } from './add';
import { mul } from './mul';
import { sigmoid } from './sigmoid';
import { sub } from './sub';

export const siluOp = defineOp({
  name: 'silu',
  inputs: ['x'],
  infer: ({ x }) => ({ dtype: 'f32', shape: x.shape }),
  emit: (out, { x }) =>
    out.target === 'cpu'
      ? out.node('QuickGelu', [x], { alpha: { float: 1 } }, MICROSOFT)
      : out.node('Mul', [x, out.node('Sigmoid', [x])]),
  // y' = σ + x·σ·(1 − σ) = σ + y·(1 − σ) = y + σ·(1 − y). σ is computed again: keeping it would cost memory.
  vjp: ({ inputs: { x }, output, g }) => ({
    x: () => {
      const s = sigmoid(x);
      return mul(g, add(s, sub(output, mul(output, s))));
    },
  }),
  evaluate: ({ x }) => x.data.map((v) => v / (1 + Math.exp(-v))),
  samples: [{ types: { x: f32(2, 3) }, attrs: undefined }],
});

export const silu = (x: Value): Value => apply(siluOp, { x }, undefined);
