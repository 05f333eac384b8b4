/** @file dropout with a given mask: y = mask ? x/(1 − p) : 0. The mask is an input, so that a run can be repeated. */
import type { Value } from '../graph';
import { bool, f32, sameShape } from '../graph';
import type { Op } from '../op';
import { apply, defineOp, typeError } from '../op';

export const dropoutOp: Op<'x' | 'mask', { readonly probability: number }> = defineOp<
  'x' | 'mask',
  { readonly probability: number }
>({
  name: 'dropout',
  inputs: ['x', 'mask'],
  infer: (types) => {
    const { x, mask } = types;
    if (mask.dtype !== 'bool' || !sameShape(x.shape, mask.shape)) {
      throw typeError('dropout', types, 'needs a bool mask of the shape of x');
    }
    return { dtype: 'f32', shape: x.shape };
  },
  emit: (out, { x, mask }, { probability }) =>
    out.node('Where', [mask, out.node('Mul', [x, out.scalar(1 / (1 - probability))]), out.scalar(0)]),
  vjp: ({ inputs: { mask }, g, attrs }) => ({ x: () => apply(dropoutOp, { x: g, mask }, attrs) }),
  evaluate: ({ x, mask }, { probability }) => x.data.map((v, i) => (mask.data[i] ? v / (1 - probability) : 0)),
  samples: [
    { types: { x: f32(2, 3), mask: bool(2, 3) }, attrs: { probability: 0.25 }, values: { mask: [1, 0, 1, 1, 0, 1] } },
  ],
});

export const dropout = (x: Value, mask: Value, probability: number): Value =>
  apply(dropoutOp, { x, mask }, { probability });
