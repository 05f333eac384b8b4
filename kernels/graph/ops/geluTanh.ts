/**
 * @file geluTanh: y = x/2·(1 + tanh u), u = √(2/π)·(x + 0.044715·x³), elementwise: the approximation of gelu that GPT-2
 * uses (Hendrycks & Gimpel 2016, section 2). It is x·σ(2u), one sigmoid.
 */
import type { Value } from '../graph';
import { f32 } from '../graph';
import { MICROSOFT } from '../onnx/writer';
import { apply, defineOp } from '../op';
import { add } from './add';
import { addScalar } from './addScalar';
import { mul } from './mul';
import { scale } from './scale';
import { sigmoid } from './sigmoid';
import { sub } from './sub';

/** 2·√(2/π) */
const RATE = 2 * Math.sqrt(2 / Math.PI);
const CUBIC = 0.044715;

export const geluTanhOp = defineOp({
  name: 'geluTanh',
  inputs: ['x'],
  infer: ({ x }) => ({ dtype: 'f32', shape: x.shape }),
  emit: (out, { x }) => {
    if (out.target === 'cpu') return out.node('FastGelu', [x], {}, MICROSOFT);
    const square = out.node('Mul', [x, x]);
    const factor = out.node('Add', [out.node('Mul', [square, out.scalar(RATE * CUBIC)]), out.scalar(RATE)]);
    return out.node('Mul', [x, out.node('Sigmoid', [out.node('Mul', [x, factor])])]);
  },
  // With v = 2u and s = σ(v): y' = s + x·s·(1 − s)·v', v' = RATE·(1 + 3·CUBIC·x²). All computed again from x.
  vjp: ({ inputs: { x }, g }) => ({
    x: () => {
      const square = mul(x, x);
      const s = sigmoid(mul(x, addScalar(scale(square, RATE * CUBIC), RATE)));
      const slope = addScalar(scale(square, 3 * RATE * CUBIC), RATE);
      return mul(g, add(s, mul(mul(x, slope), sub(s, mul(s, s)))));
    },
  }),
  evaluate: ({ x }) => x.data.map((v) => 0.5 * v * (1 + Math.tanh((RATE / 2) * (v + CUBIC * v ** 3)))),
  samples: [{ types: { x: f32(2, 3) }, attrs: undefined }],
});

export const geluTanh = (x: Value): Value => apply(geluTanhOp, { x }, undefined);
