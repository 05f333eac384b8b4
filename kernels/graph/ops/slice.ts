/** @file slice and its adjoint pad: a range of one axis, and zeros around it. */
import type { Value } from '../graph';
import { f32 } from '../graph';
import { apply, defineOp, typeError } from '../op';

/** The range [from, to) of `axis`. */
interface Range {
  readonly axis: number;
  readonly from: number;
  readonly to: number;
}

export const sliceOp = defineOp<'x', Range>({
  name: 'slice',
  inputs: ['x'],
  infer: (types, { axis, from, to }) => {
    const { dtype, shape } = types.x;
    const size = shape[axis];
    if (size === undefined || from < 0 || to > size || from >= to) {
      throw typeError('slice', types, `axis ${axis} has no range [${from}, ${to})`);
    }
    return { dtype, shape: shape.map((d, i) => (i === axis ? to - from : d)) };
  },
  emit: (out, { x }, { axis, from, to }) => out.node('Slice', [x, out.i64([from]), out.i64([to]), out.i64([axis])]),
  vjp: ({ inputs: { x }, g, attrs: { axis, from, to } }) => ({
    x: () => pad(g, axis, from, (x.type.shape[axis] ?? 0) - to),
  }),
  evaluate: ({ x }, { axis, from, to }) => copyRanges(x, axis, from, to, 0, 0),
  samples: [
    { types: { x: f32(3, 4) }, attrs: { axis: 1, from: 1, to: 3 } },
    { types: { x: f32(2, 3, 2) }, attrs: { axis: 1, from: 0, to: 2 } },
  ],
});

export const padOp = defineOp<'x', { readonly axis: number; readonly before: number; readonly after: number }>({
  name: 'pad',
  inputs: ['x'],
  infer: ({ x }, { axis, before, after }) => ({
    dtype: x.dtype,
    shape: x.shape.map((d, i) => (i === axis ? d + before + after : d)),
  }),
  emit: (out, { x }, { axis, before, after }, types) => {
    const at = (n: number): number[] => types.x.shape.map((_, i) => (i === axis ? n : 0));
    return out.node('Pad', [x, out.i64([...at(before), ...at(after)])]);
  },
  vjp: ({ inputs: { x }, g, attrs: { axis, before } }) => ({
    x: () => slice(g, axis, before, before + (x.type.shape[axis] ?? 0)),
  }),
  evaluate: ({ x }, { axis, before, after }) => copyRanges(x, axis, 0, x.shape[axis] ?? 0, before, after),
  samples: [{ types: { x: f32(2, 3) }, attrs: { axis: 1, before: 1, after: 2 } }],
});

export const slice = (x: Value, axis: number, from: number, to: number): Value =>
  from === 0 && to === x.type.shape[axis] ? x : apply(sliceOp, { x }, { axis, from, to });

export const pad = (x: Value, axis: number, before: number, after: number): Value =>
  before === 0 && after === 0 ? x : apply(padOp, { x }, { axis, before, after });

function copyRanges(
  x: { readonly shape: readonly number[]; readonly data: Float64Array },
  axis: number,
  from: number,
  to: number,
  before: number,
  after: number,
): Float64Array {
  const inner = x.shape.slice(axis + 1).reduce((n, d) => n * d, 1);
  const outer = x.shape.slice(0, axis).reduce((n, d) => n * d, 1);
  const size = x.shape[axis] ?? 0;
  const outSize = before + (to - from) + after;
  const out = new Float64Array(outer * outSize * inner);
  for (let o = 0; o < outer; o++) {
    const rows = x.data.subarray((o * size + from) * inner, (o * size + to) * inner);
    out.set(rows, (o * outSize + before) * inner);
  }
  return out;
}
