/**
 * @file normalCdf Φ and normalPdf φ, elementwise: the standard normal distribution and its density. gelu(x) = x·Φ(x)
 * (Hendrycks & Gimpel 2016, section 2).
 */
import type { Value } from '../graph';
import { f32 } from '../graph';
import { apply, defineOp } from '../op';
import { mul } from './mul';
import { scale } from './scale';

const INVERSE_ROOT_TWO = Math.SQRT1_2;
const DENSITY_AT_ZERO = 1 / Math.sqrt(2 * Math.PI);

export const normalCdfOp = defineOp({
  name: 'normalCdf',
  inputs: ['x'],
  infer: ({ x }) => ({ dtype: 'f32', shape: x.shape }),
  emit: (out, { x }) => {
    const erf = out.node('Erf', [out.node('Mul', [x, out.scalar(INVERSE_ROOT_TWO)])]);
    return out.node('Add', [out.node('Mul', [erf, out.scalar(0.5)]), out.scalar(0.5)]);
  },
  vjp: ({ inputs: { x }, g }) => ({ x: () => mul(g, normalPdf(x)) }),
  evaluate: ({ x }) => x.data.map((v) => 0.5 * erfc(-v * INVERSE_ROOT_TWO)),
  samples: [{ types: { x: f32(2, 3) }, attrs: undefined }],
});

export const normalPdfOp = defineOp({
  name: 'normalPdf',
  inputs: ['x'],
  infer: ({ x }) => ({ dtype: 'f32', shape: x.shape }),
  emit: (out, { x }) => {
    const exponent = out.node('Mul', [out.node('Mul', [x, x]), out.scalar(-0.5)]);
    return out.node('Mul', [out.node('Exp', [exponent]), out.scalar(DENSITY_AT_ZERO)]);
  },
  // φ' = −x·φ
  vjp: ({ inputs: { x }, output, g }) => ({ x: () => scale(mul(g, mul(x, output)), -1) }),
  evaluate: ({ x }) => x.data.map((v) => DENSITY_AT_ZERO * Math.exp(-0.5 * v * v)),
  samples: [{ types: { x: f32(2, 3) }, attrs: undefined }],
});

export const normalCdf = (x: Value): Value => apply(normalCdfOp, { x }, undefined);
export const normalPdf = (x: Value): Value => apply(normalPdfOp, { x }, undefined);

/**
 * 1 − erf(x) in float64: the series of erf near 0, a continued fraction elsewhere (Abramowitz & Stegun 7.1.5 and 7.1.14).
 * Slow and exact to about 1e-14, for the reference alone.
 */
function erfc(x: number): number {
  if (x < 0) return 2 - erfc(-x);
  if (x < 2.5) {
    let [term, sum] = [x, x];
    for (let n = 1; Math.abs(term) > 1e-18 * Math.abs(sum); n++) {
      term *= (-x * x) / n;
      sum += term / (2 * n + 1);
    }
    return 1 - (2 / Math.sqrt(Math.PI)) * sum;
  }
  let fraction = 0;
  for (let n = 200; n > 0; n--) fraction = n / 2 / (x + fraction);
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / (x + fraction);
}
