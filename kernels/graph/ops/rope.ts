/**
 * @file rope: rotary position embedding on the last axis in half-split pairs (j, j + d/2):
 * y = x ⊙ cos + rotate(x) ⊙ sin with rotate([u, v]) = [−v, u]. cos and sin hold each angle twice, in both halves.
 */
import type { Value } from '../graph';
import { f32 } from '../graph';
import type { Op } from '../op';
import { apply, defineOp, typeError } from '../op';
import { broadcastIndex } from './broadcasting';

export const ropeOp: Op<'x' | 'cos' | 'sin', { readonly inverse: boolean }> = defineOp<
  'x' | 'cos' | 'sin',
  { readonly inverse: boolean }
>({
  name: 'rope',
  inputs: ['x', 'cos', 'sin'],
  infer: (types) => {
    const { x, cos, sin } = types;
    const width = x.shape.at(-1) ?? 0;
    if (width % 2 !== 0 || cos.shape.at(-1) !== width || sin.shape.at(-1) !== width) {
      throw typeError('rope', types, 'needs an even last axis, the same in x, cos and sin');
    }
    return { dtype: 'f32', shape: x.shape };
  },
  emit: (out, { x, cos, sin }, { inverse }, types) => {
    const last = types.x.shape.length - 1;
    const half = (types.x.shape[last] ?? 0) / 2;
    const part = (from: number): string =>
      out.node('Slice', [x, out.i64([from]), out.i64([from + half]), out.i64([last])]);
    const axis = { axis: { int: last } };
    // The inverse turns by the negative angle, which is the same as rotating by [v, −u].
    const rotated = inverse
      ? out.node('Concat', [part(half), out.node('Neg', [part(0)])], axis)
      : out.node('Concat', [out.node('Neg', [part(half)]), part(0)], axis);
    return out.node('Add', [out.node('Mul', [x, cos]), out.node('Mul', [rotated, sin])]);
  },
  // A rotation's adjoint is its inverse.
  vjp: ({ inputs: { cos, sin }, g, attrs: { inverse } }) => ({
    x: () => apply(ropeOp, { x: g, cos, sin }, { inverse: !inverse }),
  }),
  evaluate: ({ x, cos, sin }, { inverse }, { shape }) => {
    const width = shape.at(-1) ?? 0;
    const half = width / 2;
    const ic = broadcastIndex(cos.shape, shape);
    const is = broadcastIndex(sin.shape, shape);
    const sign = inverse ? -1 : 1;
    return x.data.map((v, i) => {
      const column = i % width;
      const partner = column < half ? -(x.data[i + half] ?? NaN) : (x.data[i - half] ?? NaN);
      return v * (cos.data[ic(i)] ?? NaN) + sign * partner * (sin.data[is(i)] ?? NaN);
    });
  },
  samples: [
    {
      types: { x: f32(2, 3, 4), cos: f32(3, 4), sin: f32(3, 4) },
      attrs: { inverse: false },
      values: {
        cos: [1, 0.8, 1, 0.8, 0.6, 0.28, 0.6, 0.28, 0, 0.96, 0, 0.96],
        sin: [0, 0.6, 0, 0.6, 0.8, 0.96, 0.8, 0.96, 1, 0.28, 1, 0.28],
      },
    },
  ],
});

/** `x` [..., positions, width], `cos` and `sin` [positions, width]. */
export const rope = (x: Value, cos: Value, sin: Value): Value => apply(ropeOp, { x, cos, sin }, { inverse: false });
