/** @file reshape: the same elements in the same order, another shape. */
import type { Value } from '../graph';
import { f32, sameShape, sizeOf } from '../graph';
import { apply, defineOp, typeError } from '../op';

export const reshapeOp = defineOp<'x', { readonly shape: readonly number[] }>({
  name: 'reshape',
  inputs: ['x'],
  infer: (types, { shape }) => {
    if (sizeOf(types.x.shape) !== sizeOf(shape)) {
      throw typeError('reshape', types, `cannot take the shape [${shape.join(', ')}]`);
    }
    return { dtype: types.x.dtype, shape };
  },
  emit: (out, { x }, { shape }) => out.node('Reshape', [x, out.i64(shape)]),
  vjp: ({ inputs: { x }, g }) => ({ x: () => reshape(g, x.type.shape) }),
  evaluate: ({ x }) => x.data.slice(),
  samples: [
    { types: { x: f32(2, 6) }, attrs: { shape: [3, 2, 2] } },
    { types: { x: f32(1) }, attrs: { shape: [] } },
  ],
});

export const reshape = (x: Value, shape: readonly number[]): Value =>
  sameShape(x.type.shape, shape) ? x : apply(reshapeOp, { x }, { shape });
