/** @file reduceSum and its adjoint expand: summing over axes, and copying along them. */
import type { Value } from '../graph';
import { f32, sameShape, sizeOf } from '../graph';
import { apply, defineOp, typeError } from '../op';
import { reshape } from './reshape';

export const reduceSumOp = defineOp<'x', { readonly axes: readonly number[] }>({
  name: 'reduceSum',
  inputs: ['x'],
  infer: (types, { axes }) => {
    const { shape } = types.x;
    if (axes.some((a) => a < 0 || a >= shape.length))
      throw typeError('reduceSum', types, `has no axes ${axes.join(', ')}`);
    return { dtype: 'f32', shape: shape.map((d, i) => (axes.includes(i) ? 1 : d)) };
  },
  emit: (out, { x }, { axes }) => out.node('ReduceSum', [x, out.i64(axes)], { keepdims: { int: 1 } }),
  vjp: ({ inputs: { x }, g }) => ({ x: () => expand(g, x.type.shape) }),
  evaluate: ({ x }, _, { shape }) => {
    const out = new Float64Array(sizeOf(shape));
    const target = stretchIndex(shape, x.shape);
    x.data.forEach((v, i) => {
      const t = target(i);
      out[t] = (out[t] ?? 0) + v;
    });
    return out;
  },
  samples: [
    { types: { x: f32(2, 3, 4) }, attrs: { axes: [1] } },
    { types: { x: f32(2, 3) }, attrs: { axes: [0, 1] } },
  ],
});

export const expandOp = defineOp<'x', { readonly shape: readonly number[] }>({
  name: 'expand',
  inputs: ['x'],
  infer: (types, { shape }) => {
    const from = types.x.shape;
    if (from.length !== shape.length || from.some((d, i) => d !== 1 && d !== shape[i])) {
      throw typeError('expand', types, `cannot be copied to [${shape.join(', ')}]`);
    }
    return { dtype: 'f32', shape };
  },
  emit: (out, { x }, { shape }) => out.node('Expand', [x, out.i64(shape)]),
  vjp: ({ inputs: { x }, g }) => ({
    x: () =>
      reduceSum(
        g,
        x.type.shape.flatMap((d, i) => (d === 1 && g.type.shape[i] !== 1 ? [i] : [])),
      ),
  }),
  evaluate: ({ x }, _, { shape }) => {
    const source = stretchIndex(x.shape, shape);
    return Float64Array.from({ length: sizeOf(shape) }, (_v, i) => x.data[source(i)] ?? NaN);
  },
  samples: [{ types: { x: f32(2, 1, 3) }, attrs: { shape: [2, 4, 3] } }],
});

/** Summed axes keep the size 1. */
export const reduceSum = (x: Value, axes: readonly number[]): Value =>
  axes.length === 0 ? x : apply(reduceSumOp, { x }, { axes });

export const expand = (x: Value, shape: readonly number[]): Value =>
  sameShape(x.type.shape, shape) ? x : apply(expandOp, { x }, { shape });

/** The sum of all elements as a scalar. */
export const sumAll = (x: Value): Value =>
  reshape(
    reduceSum(
      x,
      x.type.shape.map((_, i) => i),
    ),
    [],
  );

/** Flat index in `small` (equal rank, some sizes 1) of the element that covers flat index i of `large`. */
function stretchIndex(small: readonly number[], large: readonly number[]): (i: number) => number {
  return (index) => {
    let rest = index;
    let result = 0;
    let stride = 1;
    for (let axis = large.length - 1; axis >= 0; axis--) {
      const size = large[axis] ?? 1;
      const position = rest % size;
      rest = (rest - position) / size;
      const own = small[axis] ?? 1;
      if (own !== 1) result += position * stride;
      stride *= own;
    }
    return result;
  };
}
