/** @file swiglu: y = silu(gate) ⊙ up, the gated activation of llama. The activation is computed again in backward. */
import type { Value } from '../graph';
import { f32, sameShape } from '../graph';
import { MICROSOFT } from '../onnx/writer';
import { apply, defineOp, typeError } from '../op';
import { add } from './add';
import { mul } from './mul';
import { sigmoid } from './sigmoid';
import { silu } from './silu';
import { sub } from './sub';

export const swigluOp = defineOp({
  name: 'swiglu',
  inputs: ['gate', 'up'],
  infer: (types) => {
    if (!sameShape(types.gate.shape, types.up.shape)) throw typeError('swiglu', types, 'needs two equal shapes');
    return { dtype: 'f32', shape: types.gate.shape };
  },
  emit: (out, { gate, up }) => {
    const active =
      out.target === 'cpu'
        ? out.node('QuickGelu', [gate], { alpha: { float: 1 } }, MICROSOFT)
        : out.node('Mul', [gate, out.node('Sigmoid', [gate])]);
    return out.node('Mul', [active, up]);
  },
  // dup = g·silu(gate);  dgate = g·up·silu'(gate), silu' = σ + s − s·σ with s = silu(gate)
  vjp: ({ inputs: { gate, up }, g }) => {
    let active: Value | undefined;
    const activation = (): Value => (active ??= silu(gate));
    return {
      up: () => mul(g, activation()),
      gate: () => {
        const s = activation();
        const sigma = sigmoid(gate);
        return mul(mul(g, up), add(sigma, sub(s, mul(s, sigma))));
      },
    };
  },
  evaluate: ({ gate, up }) => gate.data.map((v, i) => (v / (1 + Math.exp(-v))) * (up.data[i] ?? NaN)),
  samples: [{ types: { gate: f32(2, 3), up: f32(2, 3) }, attrs: undefined }],
});

export const swiglu = (gate: Value, up: Value): Value => apply(swigluOp, { gate, up }, undefined);
