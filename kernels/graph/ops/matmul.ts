/** @file matmul: products of stacks of matrices with equal leading axes, op(a)·op(b) with op(m) = m or mᵀ. */
import type { Value } from '../graph';
import { f32, sameShape } from '../graph';
import { MICROSOFT } from '../onnx/writer';
import { apply, defineOp, typeError } from '../op';

interface MatmulAttrs {
  readonly transA: boolean;
  readonly transB: boolean;
}

export const matmulOp = defineOp<'a' | 'b', MatmulAttrs>({
  name: 'matmul',
  inputs: ['a', 'b'],
  infer: (types, { transA, transB }) => {
    const [a, b] = [types.a.shape, types.b.shape];
    const lead = a.slice(0, -2);
    if (a.length < 3 || !sameShape(lead, b.slice(0, -2))) throw typeError('matmul', types, 'needs equal leading axes');
    const [m, ka] = transA ? [a.at(-1), a.at(-2)] : [a.at(-2), a.at(-1)];
    const [kb, n] = transB ? [b.at(-1), b.at(-2)] : [b.at(-2), b.at(-1)];
    if (ka !== kb) throw typeError('matmul', types, `inner sizes ${ka} and ${kb} differ`);
    return { dtype: 'f32', shape: [...lead, m ?? 0, n ?? 0] };
  },
  emit: (out, { a, b }, { transA, transB }, types) => {
    if (!transA && !transB) return out.node('MatMul', [a, b]);
    if (out.target === 'cpu') {
      const attrs = { transA: { int: Number(transA) }, transB: { int: Number(transB) } };
      return out.node('FusedMatMul', [a, b], attrs, MICROSOFT);
    }
    const rank = types.a.shape.length;
    const swap = { perm: { ints: [...Array(rank - 2).keys(), rank - 1, rank - 2] } };
    const swapped = (name: string, isSwapped: boolean): string =>
      isSwapped ? out.node('Transpose', [name], swap) : name;
    return out.node('MatMul', [swapped(a, transA), swapped(b, transB)]);
  },
  // The rules of gemm, stack by stack.
  vjp: ({ inputs: { a, b }, g, attrs: { transA, transB } }) => ({
    a: () => (transA ? matmul(b, g, { transA: transB, transB: true }) : matmul(g, b, { transB: !transB })),
    b: () => (transB ? matmul(g, a, { transA: true, transB: transA }) : matmul(a, g, { transA: !transA })),
  }),
  evaluate: ({ a, b }, { transA, transB }, { shape }) => {
    const [m = 0, n = 0] = shape.slice(-2);
    const [rowsA = 0, columnsA = 0] = a.shape.slice(-2);
    const [rowsB = 0, columnsB = 0] = b.shape.slice(-2);
    const k = transA ? rowsA : columnsA;
    const out = new Float64Array(shape.reduce((p, d) => p * d, 1));
    for (let s = 0; s * m * n < out.length; s++) {
      for (let i = 0; i < m; i++) {
        for (let j = 0; j < n; j++) {
          let sum = 0;
          for (let l = 0; l < k; l++) {
            const x = a.data[s * rowsA * columnsA + (transA ? l * columnsA + i : i * columnsA + l)] ?? NaN;
            const y = b.data[s * rowsB * columnsB + (transB ? j * columnsB + l : l * columnsB + j)] ?? NaN;
            sum += x * y;
          }
          out[(s * m + i) * n + j] = sum;
        }
      }
    }
    return out;
  },
  samples: [
    { types: { a: f32(2, 2, 3), b: f32(2, 3, 4) }, attrs: { transA: false, transB: false } },
    { types: { a: f32(2, 1, 2, 3), b: f32(2, 1, 4, 3) }, attrs: { transA: false, transB: true } },
    { types: { a: f32(2, 3, 2), b: f32(2, 3, 4) }, attrs: { transA: true, transB: false } },
    { types: { a: f32(2, 3, 2), b: f32(2, 4, 3) }, attrs: { transA: true, transB: true } },
  ],
});

export const matmul = (a: Value, b: Value, options: Partial<MatmulAttrs> = {}): Value =>
  apply(matmulOp, { a, b }, { transA: options.transA ?? false, transB: options.transB ?? false });
