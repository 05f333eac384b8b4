/** @file The broadcasting rule that elementwise operators share, and its adjoint: summing back over broadcast axes. */
import type { TensorType, Value } from '../graph';
import { sameShape } from '../graph';
import type { RefTensor } from '../op';
import { typeError } from '../op';
import { reduceSum } from './reduceSum';
import { reshape } from './reshape';

/** Shapes align at the right; a dimension of 1 stretches. The result is float32 whatever the float inputs are. */
export function broadcastType(op: string, types: { readonly a: TensorType; readonly b: TensorType }): TensorType {
  const { a, b } = types;
  if (![a, b].every((t) => ['f32', 'f16', 'bf16'].includes(t.dtype)))
    throw typeError(op, types, 'needs two float tensors');
  const rank = Math.max(a.shape.length, b.shape.length);
  const shape = Array.from({ length: rank }, (_, i) => {
    const da = a.shape[i - rank + a.shape.length] ?? 1;
    const db = b.shape[i - rank + b.shape.length] ?? 1;
    if (da !== db && da !== 1 && db !== 1) throw typeError(op, types, 'the shapes do not broadcast');
    return da === 1 ? db : da;
  });
  return { dtype: 'f32', shape };
}

/** Sums `g` over the axes along which a value of shape `shape` was broadcast: the adjoint of broadcasting. */
export function sumTo(g: Value, shape: readonly number[]): Value {
  const from = g.type.shape;
  if (sameShape(from, shape)) return g;
  const lead = from.length - shape.length;
  const axes = from.flatMap((d, i) => (i < lead || (shape[i - lead] === 1 && d !== 1) ? [i] : []));
  return reshape(reduceSum(g, axes), shape);
}

/** Applies `f` elementwise with broadcasting, for the reference runtime. */
export function broadcastMap(
  a: RefTensor,
  b: RefTensor,
  shape: readonly number[],
  f: (a: number, b: number) => number,
): Float64Array {
  const size = shape.reduce((n, d) => n * d, 1);
  const out = new Float64Array(size);
  const ia = broadcastIndex(a.shape, shape);
  const ib = broadcastIndex(b.shape, shape);
  for (let i = 0; i < size; i++) out[i] = f(a.data[ia(i)] ?? NaN, b.data[ib(i)] ?? NaN);
  return out;
}

/** Maps a flat index of `to` to the flat index of a tensor of shape `from` that is broadcast to `to`. */
export function broadcastIndex(from: readonly number[], to: readonly number[]): (index: number) => number {
  const lead = to.length - from.length;
  return (index) => {
    let rest = index;
    let result = 0;
    let stride = 1;
    for (let axis = to.length - 1; axis >= 0; axis--) {
      const d = to[axis] ?? 1;
      const position = rest % d;
      rest = (rest - position) / d;
      const own = axis >= lead ? (from[axis - lead] ?? 1) : 1;
      if (own !== 1) result += position * stride;
      stride *= own;
    }
    return result;
  };
}
