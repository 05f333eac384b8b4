/** @file layerNorm over the last axis: y = w ⊙ (x − mean(x)) / √(var(x) + ε) + b (Ba et al. 2016, equation 4, with ε). */
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

export const layerNormOp = defineOp<'x' | 'w' | 'b', { readonly epsilon: number }>({
  name: 'layerNorm',
  inputs: ['x', 'w', 'b'],
  infer: (types) => {
    const { x, w, b } = types;
    const last = x.shape.slice(-1);
    if (!sameShape(w.shape, last) || !sameShape(b.shape, last)) {
      throw typeError('layerNorm', types, 'w and b must have the size of the last axis');
    }
    return { dtype: 'f32', shape: x.shape };
  },
  emit: (out, { x, w, b }, { epsilon }) =>
    out.node('LayerNormalization', [x, w, b], { axis: { int: -1 }, epsilon: { float: epsilon } }),
  // With c = x − mean(x), i = 1/√(mean(c²) + ε) and h = g ⊙ w:
  //   dx = i·(h − mean(h) − c·i²·mean(h ⊙ c)),  dw = Σ_rows g ⊙ c·i,  db = Σ_rows g.
  // c and i are computed again: keeping them would cost the memory of x.
  vjp: ({ inputs: { x, w, b }, g, attrs: { epsilon } }) => {
    const last = x.type.shape.length - 1;
    const mean = (v: Value): Value => scale(reduceSum(v, [last]), 1 / (x.type.shape[last] ?? 1));
    let known: { readonly centred: Value; readonly inverse: Value } | undefined;
    const parts = (): { readonly centred: Value; readonly inverse: Value } => {
      if (known) return known;
      const centred = sub(x, mean(x));
      known = { centred, inverse: reciprocal(sqrt(addScalar(mean(mul(centred, centred)), epsilon))) };
      return known;
    };
    return {
      x: () => {
        const { centred, inverse } = parts();
        const h = mul(g, w);
        const along = mul(centred, mul(mean(mul(h, centred)), mul(inverse, inverse)));
        return mul(sub(sub(h, mean(h)), along), inverse);
      },
      w: () => {
        const { centred, inverse } = parts();
        return sumTo(mul(g, mul(centred, inverse)), w.type.shape);
      },
      b: () => sumTo(g, b.type.shape),
    };
  },
  evaluate: ({ x, w, b }, { epsilon }) => {
    const width = w.data.length;
    return x.data.map((v, i) => {
      const row = x.data.subarray(i - (i % width), i - (i % width) + width);
      const mean = row.reduce((n, e) => n + e, 0) / width;
      const variance = row.reduce((n, e) => n + (e - mean) ** 2, 0) / width;
      return ((v - mean) / Math.sqrt(variance + epsilon)) * (w.data[i % width] ?? NaN) + (b.data[i % width] ?? NaN);
    });
  },
  samples: [{ types: { x: f32(3, 4), w: f32(4), b: f32(4) }, attrs: { epsilon: 1e-5 } }],
});

export const layerNorm = (x: Value, w: Value, b: Value, epsilon: number): Value =>
  apply(layerNormOp, { x, w, b }, { epsilon });
