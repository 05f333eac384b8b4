/** @file concat: tensors one after the other along an axis. Its inputs are named 0, 1, 2, … */
import type { Value } from '../graph';
import { f32 } from '../graph';
import type { Op } from '../op';
import { apply, defineOp, typeError } from '../op';
import { slice } from './slice';

export const concatOp: Op<string, { readonly axis: number }> = defineOp<string, { readonly axis: number }>({
  name: 'concat',
  inputs: [],
  infer: (types, { axis }) => {
    const all = Object.values(types);
    const first = all[0];
    if (!first) throw typeError('concat', types, 'needs an input');
    for (const t of all) {
      const fits = t.shape.length === first.shape.length && t.shape.every((d, i) => i === axis || d === first.shape[i]);
      if (!fits) throw typeError('concat', types, `shapes differ outside axis ${axis}`);
    }
    const total = all.reduce((n, t) => n + (t.shape[axis] ?? 0), 0);
    return { dtype: first.dtype, shape: first.shape.map((d, i) => (i === axis ? total : d)) };
  },
  emit: (out, names, { axis }) => out.node('Concat', Object.values(names), { axis: { int: axis } }),
  vjp: ({ inputs, g, attrs: { axis } }) => {
    let end = 0;
    return Object.fromEntries(
      Object.entries(inputs).map(([name, x]) => {
        const from = end;
        end += x.type.shape[axis] ?? 0;
        const to = end;
        return [name, () => slice(g, axis, from, to)];
      }),
    );
  },
  evaluate: (inputs, { axis }, { shape }) => {
    const parts = Object.values(inputs);
    const inner = shape.slice(axis + 1).reduce((n, d) => n * d, 1);
    const outer = shape.slice(0, axis).reduce((n, d) => n * d, 1);
    const out: number[] = [];
    for (let o = 0; o < outer; o++) {
      for (const part of parts) {
        const run = (part.shape[axis] ?? 0) * inner;
        out.push(...part.data.subarray(o * run, (o + 1) * run));
      }
    }
    return Float64Array.from(out);
  },
  samples: [
    { types: { 0: f32(2, 3), 1: f32(2, 1), 2: f32(2, 2) }, attrs: { axis: 1 } },
    { types: { 0: f32(1, 2), 1: f32(3, 2) }, attrs: { axis: 0 } },
  ],
});

export function concat(parts: readonly Value[], axis: number): Value {
  const [only] = parts;
  if (only && parts.length === 1) return only;
  return apply(concatOp, Object.fromEntries(parts.map((v, i) => [String(i), v])), { axis });
}
