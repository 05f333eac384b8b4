/** @file transpose: axes in another order; axis i of the result is axis perm[i] of the input. */
import type { Value } from '../graph';
import { f32 } from '../graph';
import { apply, defineOp, typeError } from '../op';

export const transposeOp = defineOp<'x', { readonly perm: readonly number[] }>({
  name: 'transpose',
  inputs: ['x'],
  infer: (types, { perm }) => {
    const { dtype, shape } = types.x;
    const isPermutation = perm.length === shape.length && shape.every((_, i) => perm.includes(i));
    if (!isPermutation) throw typeError('transpose', types, `[${perm.join(', ')}] is not an order of its axes`);
    return { dtype, shape: perm.map((p) => shape[p] ?? NaN) };
  },
  emit: (out, { x }, { perm }) => out.node('Transpose', [x], { perm: { ints: perm } }),
  vjp: ({ g, attrs: { perm } }) => ({
    x: () =>
      transpose(
        g,
        perm.map((_, i) => perm.indexOf(i)),
      ),
  }),
  evaluate: ({ x }, { perm }, { shape }) => {
    const strides = x.shape.map((_, i) => x.shape.slice(i + 1).reduce((n, d) => n * d, 1));
    const out = new Float64Array(x.data.length);
    for (let i = 0; i < out.length; i++) {
      let rest = i;
      let from = 0;
      for (let axis = shape.length - 1; axis >= 0; axis--) {
        const d = shape[axis] ?? 1;
        from += (rest % d) * (strides[perm[axis] ?? 0] ?? 0);
        rest = Math.floor(rest / d);
      }
      out[i] = x.data[from] ?? NaN;
    }
    return out;
  },
  samples: [
    { types: { x: f32(2, 3) }, attrs: { perm: [1, 0] } },
    { types: { x: f32(2, 3, 4, 5) }, attrs: { perm: [0, 2, 3, 1] } },
  ],
});

export const transpose = (x: Value, perm: readonly number[]): Value =>
  perm.every((p, i) => p === i) ? x : apply(transposeOp, { x }, { perm });
