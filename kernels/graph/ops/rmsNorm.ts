/** @file rmsNorm over the last axis: y = w ⊙ x / √(mean(x²) + ε) (Zhang & Sennrich 2019, equation 4, with ε). */
import type { Value } from '../graph';
import { f32, sameShape } from '../graph';
import { apply, defineOp, typeError } from '../op';
import { addScalar } from './addScalar';
import { sumTo } from './broadcasting';
import { mul } from './mul';
import { reciprocal } from './reciprocal';
import { reduceSum } from './reduceSum';
import { scale } from './scale';
import { sqrt } from './sqrt';
import { sub } from './sub';

export const rmsNormOp = defineOp<'x' | 'w', { readonly epsilon: number }>({
  name: 'rmsNorm',
  inputs: ['x', 'w'],
  infer: (types) => {
    const { x, w } = types;
    if (!sameShape(w.shape, x.shape.slice(-1)))
      throw typeError('rmsNorm', types, 'w must have the size of the last axis');
    return { dtype: 'f32', shape: x.shape };
  },
  emit: (out, { x, w }, { epsilon }) => {
    if (out.target === 'cpu') {
      const attrs = { axis: { int: -1 }, epsilon: { float: epsilon }, stash_type: { int: 1 } };
      return out.node('SimplifiedLayerNormalization', [x, w], attrs);
    }
    const mean = out.node('ReduceMean', [out.node('Mul', [x, x]), out.i64([-1])], { keepdims: { int: 1 } });
    const root = out.node('Sqrt', [out.node('Add', [mean, out.scalar(epsilon)])]);
    return out.node('Mul', [out.node('Div', [x, root]), w]);
  },
  // With i = 1/√(mean(x²) + ε) and h = g ⊙ w:  dx = i·(h − x·i²·mean(h ⊙ x)),  dw = Σ_rows g ⊙ x·i.
  // i is computed again: one number a row is cheap, and the fused operator's second output is wrong on WebGPU.
  vjp: ({ inputs: { x, w }, g, attrs: { epsilon } }) => {
    const last = x.type.shape.length - 1;
    const mean = (v: Value): Value => scale(reduceSum(v, [last]), 1 / (x.type.shape[last] ?? 1));
    let known: Value | undefined;
    const inverse = (): Value => (known ??= reciprocal(sqrt(addScalar(mean(mul(x, x)), epsilon))));
    return {
      x: () => {
        const i = inverse();
        const h = mul(g, w);
        return mul(sub(h, mul(x, mul(mean(mul(h, x)), mul(i, i)))), i);
      },
      w: () => sumTo(mul(g, mul(x, inverse())), w.type.shape),
    };
  },
  evaluate: ({ x, w }, { epsilon }) => {
    const width = w.data.length;
    return x.data.map((v, i) => {
      const row = x.data.subarray(i - (i % width), i - (i % width) + width);
      const mean = row.reduce((n, e) => n + e * e, 0) / width;
      return (v / Math.sqrt(mean + epsilon)) * (w.data[i % width] ?? NaN);
    });
  },
  samples: [{ types: { x: f32(3, 4), w: f32(4) }, attrs: { epsilon: 1e-5 } }],
});

export const rmsNorm = (x: Value, w: Value, epsilon: number): Value => apply(rmsNormOp, { x, w }, { epsilon });
