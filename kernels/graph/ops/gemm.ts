/**
 * @file gemm: y = alpha·op(a)·op(b) (+ c) on matrices, op(m) = m or mᵀ. A weight in the layout [out, in] serves forward
 * (transB) and backward (no transposition) without a second copy; c takes a bias or a sum that would need its own pass.
 */
import type { Value } from '../graph';
import { f32, sameShape } from '../graph';
import { packedProduct } from '../onnx/dequantize';
import type { RefTensor } from '../op';
import { apply, defineOp, typeError } from '../op';
import { broadcastIndex, sumTo } from './broadcasting';

export interface GemmAttrs {
  readonly transA: boolean;
  readonly transB: boolean;
  readonly alpha: number;
}

export const gemmOp = defineOp<'a' | 'b' | 'c', GemmAttrs>({
  name: 'gemm',
  inputs: ['a', 'b', 'c'],
  optional: ['c'],
  infer: (types, { transA, transB }) => {
    const [a, b] = [types.a.shape, types.b.shape];
    if (a.length !== 2 || b.length !== 2) throw typeError('gemm', types, 'needs two matrices');
    const [m, k] = transA ? [a[1], a[0]] : a;
    const [kb, n] = transB ? [b[1], b[0]] : b;
    if (k !== kb)
      throw typeError('gemm', types, `inner sizes ${k} and ${kb} differ (transA ${transA}, transB ${transB})`);
    const shape = [m ?? 0, n ?? 0];
    const c = types.c?.shape;
    if (c && !(sameShape(c, shape) || sameShape(c, [shape[1] ?? 0]))) {
      throw typeError('gemm', types, `c must have the shape [${shape.join(', ')}] or [${shape[1]}]`);
    }
    return { dtype: 'f32', shape };
  },
  emit: (out, { a, b, c }, { transA, transB, alpha }) =>
    out.node('Gemm', c === undefined ? [a, b] : [a, b, c], {
      transA: { int: Number(transA) },
      transB: { int: Number(transB) },
      alpha: { float: alpha },
    }),
  emitPacked: (out, { a, c }, { b }, { transA, transB, alpha }) => {
    const product = a !== undefined && b && !transA ? packedProduct(out, a, b, transB) : undefined;
    if (product === undefined) return undefined;
    const scaled = alpha === 1 ? product : out.node('Mul', [product, out.scalar(alpha)]);
    return c === undefined ? scaled : out.node('Add', [scaled, c]);
  },
  // y = α·A·B + c with A = op(a), B = op(b)  =>  dA = α·g·Bᵀ,  dB = α·Aᵀ·g,  dc = g (summed to a row for a bias);
  // da = dA or its transpose, which is the same product with its factors exchanged.
  vjp: ({ inputs: { a, b, c }, g, attrs: { transA, transB, alpha } }) => ({
    a: () => (transA ? gemm(b, g, { transA: transB, transB: true, alpha }) : gemm(g, b, { transB: !transB, alpha })),
    b: () => (transB ? gemm(g, a, { transA: true, transB: transA, alpha }) : gemm(a, g, { transA: !transA, alpha })),
    ...(c && { c: () => sumTo(g, c.type.shape) }),
  }),
  evaluate: ({ a, b, c }, { transA, transB, alpha }, { shape }) => {
    const [m = 0, n = 0] = shape;
    const k = (transA ? a.shape[0] : a.shape[1]) ?? 0;
    const at = (t: RefTensor, row: number, column: number, isTransposed: boolean): number =>
      t.data[isTransposed ? column * (t.shape[1] ?? 0) + row : row * (t.shape[1] ?? 0) + column] ?? NaN;
    const out = new Float64Array(m * n);
    const ic = c as RefTensor | undefined;
    const indexC = ic && broadcastIndex(ic.shape, shape);
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let sum = 0;
        for (let l = 0; l < k; l++) sum += at(a, i, l, transA) * at(b, l, j, transB);
        out[i * n + j] = alpha * sum + (ic && indexC ? (ic.data[indexC(i * n + j)] ?? NaN) : 0);
      }
    }
    return out;
  },
  samples: [
    { types: { a: f32(2, 3), b: f32(3, 4) }, attrs: { transA: false, transB: false, alpha: 1 } },
    { types: { a: f32(2, 3), b: f32(4, 3), c: f32(4) }, attrs: { transA: false, transB: true, alpha: 1 } },
    { types: { a: f32(3, 2), b: f32(3, 4), c: f32(2, 4) }, attrs: { transA: true, transB: false, alpha: 0.5 } },
    { types: { a: f32(3, 2), b: f32(4, 3) }, attrs: { transA: true, transB: true, alpha: -2 } },
  ],
});

export function gemm(a: Value, b: Value, options: Partial<GemmAttrs> & { readonly c?: Value } = {}): Value {
  const { transA = false, transB = false, alpha = 1, c } = options;
  return apply(gemmOp, { a, b, ...(c && { c }) }, { transA, transB, alpha });
}

/** x·wᵀ (+ bias) for x [n, in] and w [out, in]: a linear layer. */
export const linear = (x: Value, w: Value, bias?: Value): Value =>
  gemm(x, w, { transB: true, ...(bias && { c: bias }) });
