/** @file gatherRows and its adjoint scatterAddRows: rows of a table by index, and sums of rows into a table. */
import type { Value } from '../graph';
import { f32, i32 } from '../graph';
import { apply, defineOp, typeError } from '../op';

export const gatherRowsOp = defineOp<'table' | 'rows', undefined>({
  name: 'gatherRows',
  inputs: ['table', 'rows'],
  infer: (types) => {
    const { table, rows } = types;
    if (table.shape.length !== 2 || rows.shape.length !== 1 || rows.dtype !== 'i32') {
      throw typeError('gatherRows', types, 'needs a table [n, width] and row numbers i32[k]');
    }
    return { dtype: 'f32', shape: [rows.shape[0] ?? 0, table.shape[1] ?? 0] };
  },
  // A half-precision table is gathered first and widened after: only the rows that are used.
  acceptsHalf: true,
  emit: (out, { table, rows }, _, types) => {
    const gathered = out.node('Gather', [table, rows], { axis: { int: 0 } });
    return types.table.dtype === 'f32' ? gathered : out.node('Cast', [gathered], { to: { int: 1 } });
  },
  vjp: ({ inputs: { table, rows }, g }) => ({ table: () => scatterAddRows(g, rows, table.type.shape[0] ?? 0) }),
  evaluate: ({ table, rows }) => {
    const width = table.shape[1] ?? 0;
    const out = new Float64Array(rows.data.length * width);
    rows.data.forEach((r, i) => out.set(table.data.subarray(r * width, (r + 1) * width), i * width));
    return out;
  },
  samples: [{ types: { table: f32(4, 3), rows: i32(5) }, attrs: undefined, values: { rows: [1, 3, 1, 0, 3] } }],
});

export const scatterAddRowsOp = defineOp<'x' | 'rows', { readonly count: number }>({
  name: 'scatterAddRows',
  inputs: ['x', 'rows'],
  infer: (types, { count }) => {
    const { x, rows } = types;
    if (x.shape.length !== 2 || rows.shape[0] !== x.shape[0]) {
      throw typeError('scatterAddRows', types, 'needs one row number for each row of x');
    }
    return { dtype: 'f32', shape: [count, x.shape[1] ?? 0] };
  },
  emit: (out, { x, rows }, _, types, { shape }) => {
    const index = out.node('Cast', [rows], { to: { int: 7 } });
    const column = out.node('Reshape', [index, out.i64([types.rows.shape[0] ?? 0, 1])]);
    const zeros = out.node('Expand', [out.scalar(0), out.i64(shape)]);
    return out.node('ScatterND', [zeros, column, x], { reduction: { string: 'add' } });
  },
  vjp: ({ inputs: { rows }, g }) => ({ x: () => gatherRows(g, rows) }),
  evaluate: ({ x, rows }, { count }) => {
    const width = x.shape[1] ?? 0;
    const out = new Float64Array(count * width);
    rows.data.forEach((r, i) => {
      for (let j = 0; j < width; j++) out[r * width + j] = (out[r * width + j] ?? 0) + (x.data[i * width + j] ?? NaN);
    });
    return out;
  },
  samples: [{ types: { x: f32(4, 3), rows: i32(4) }, attrs: { count: 5 }, values: { rows: [1, 4, 1, 0] } }],
});

/** `table` [n, width], `rows` i32[k] → [k, width]. */
export const gatherRows = (table: Value, rows: Value): Value => apply(gatherRowsOp, { table, rows }, undefined);

/** `x` [k, width] added into zeros [count, width] at `rows` i32[k]. */
export const scatterAddRows = (x: Value, rows: Value, count: number): Value =>
  apply(scatterAddRowsOp, { x, rows }, { count });
