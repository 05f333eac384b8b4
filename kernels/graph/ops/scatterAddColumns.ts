/**
 * @file scatterAddColumns and its adjoint gatherColumns: each row of a matrix has k places of its own, given by their columns;
 * values are added there, or read from there.
 */
import type { Value } from '../graph';
import { f32, i32, sameShape } from '../graph';
import type { RefTensor } from '../op';
import { apply, defineOp, typeError } from '../op';

export const scatterAddColumnsOp = defineOp<'x' | 'values' | 'columns', undefined>({
  name: 'scatterAddColumns',
  inputs: ['x', 'values', 'columns'],
  infer: (types) => {
    const { x, values, columns } = types;
    const isPlaced = sameShape(values.shape, columns.shape) && columns.dtype === 'i32';
    if (!isPlaced || x.shape.length !== 2 || values.shape.length !== 2 || x.shape[0] !== values.shape[0]) {
      throw typeError('scatterAddColumns', types, 'needs x [n, width], values [n, k] and columns i32[n, k]');
    }
    return { dtype: 'f32', shape: x.shape };
  },
  emit: (out, { x, values, columns }) =>
    out.node('ScatterElements', [x, columns, values], { axis: { int: 1 }, reduction: { string: 'add' } }),
  vjp: ({ inputs: { columns }, g }) => ({ x: () => g, values: () => gatherColumns(g, columns) }),
  evaluate: ({ x, values, columns }) => {
    const result = x.data.slice();
    places(x, columns).forEach((at, i) => (result[at] = (result[at] ?? NaN) + (values.data[i] ?? NaN)));
    return result;
  },
  samples: [
    {
      types: { x: f32(2, 4), values: f32(2, 3), columns: i32(2, 3) },
      attrs: undefined,
      values: { columns: [3, 0, 3, 1, 2, 0] },
    },
  ],
});

export const gatherColumnsOp = defineOp<'x' | 'columns', undefined>({
  name: 'gatherColumns',
  inputs: ['x', 'columns'],
  infer: (types) => {
    const { x, columns } = types;
    if (x.shape.length !== 2 || x.shape[0] !== columns.shape[0] || columns.dtype !== 'i32') {
      throw typeError('gatherColumns', types, 'needs x [n, width] and columns i32[n, k]');
    }
    return { dtype: 'f32', shape: columns.shape };
  },
  emit: (out, { x, columns }) => out.node('GatherElements', [x, columns], { axis: { int: 1 } }),
  vjp: ({ inputs: { x, columns }, g }) => ({
    x: () =>
      scatterAddColumns(
        x.graph.constant(new Float32Array(x.type.shape.reduce((n, d) => n * d, 1)), x.type.shape),
        g,
        columns,
      ),
  }),
  evaluate: ({ x, columns }) => Float64Array.from(places(x, columns), (at) => x.data[at] ?? NaN),
  samples: [{ types: { x: f32(2, 4), columns: i32(2, 3) }, attrs: undefined, values: { columns: [3, 0, 3, 1, 2, 0] } }],
});

/** Flat index in x [n, width] of each entry of columns [n, k]. */
function places(x: RefTensor, columns: RefTensor): number[] {
  const [width = 0, k = 1] = [x.shape[1], columns.shape[1]];
  return Array.from(columns.data, (column, i) => Math.floor(i / k) * width + column);
}

/** `x` [n, width] + `values` [n, k] at `columns` i32[n, k]; places that are named twice get both. */
export const scatterAddColumns = (x: Value, values: Value, columns: Value): Value =>
  apply(scatterAddColumnsOp, { x, values, columns }, undefined);

/** `x` [n, width] at `columns` i32[n, k] → [n, k]. */
export const gatherColumns = (x: Value, columns: Value): Value => apply(gatherColumnsOp, { x, columns }, undefined);
