/**
 * @file blockProducts: aᵀ·b of each block of columns of two matrices [rows, blocks·size], one on the other: [blocks, size, size].
 * The blocks are read where they lie; as single products each would be copied first.
 */
import type { Value } from '../graph';
import { f32, sameShape } from '../graph';
import { MICROSOFT } from '../onnx/writer';
import { apply, defineOp, typeError } from '../op';
import { matmul } from './matmul';
import { reshape } from './reshape';
import { transpose } from './transpose';

export const blockProductsOp = defineOp<'a' | 'b', { readonly size: number }>({
  name: 'blockProducts',
  inputs: ['a', 'b'],
  infer: (types, { size }) => {
    const { shape } = types.a;
    const [, width = 0] = shape;
    if (shape.length !== 2 || !sameShape(shape, types.b.shape) || width === 0 || width % size !== 0) {
      throw typeError('blockProducts', types, `needs two equal matrices of blocks of ${size} columns`);
    }
    return f32(width / size, size, size);
  },
  emit: (out, { a, b }, { size }, types) => {
    const [rows = 0, width = 0] = types.a.shape;
    const cut = (name: string): string => out.node('Reshape', [name, out.i64([rows, width / size, size])]);
    if (out.target === 'cpu') {
      const attrs = { transA: { int: 1 }, transBatchA: { int: 1 }, transBatchB: { int: 1 } };
      return out.node('FusedMatMul', [cut(a), cut(b)], attrs, MICROSOFT);
    }
    const [left, right] = [{ perm: { ints: [1, 2, 0] } }, { perm: { ints: [1, 0, 2] } }];
    return out.node('MatMul', [out.node('Transpose', [cut(a)], left), out.node('Transpose', [cut(b)], right)]);
  },
  vjp: ({ inputs: { a, b }, g, attrs: { size } }) => ({
    a: () => blockwise(b, g, size, true),
    b: () => blockwise(a, g, size, false),
  }),
  evaluate: ({ a, b }, { size }) => {
    const [rows = 0, width = 0] = a.shape;
    const out = new Float64Array(width * size);
    for (let row = 0; row < rows; row++) {
      for (let i = 0; i < width; i++) {
        const from = row * width + Math.floor(i / size) * size;
        for (let j = 0; j < size; j++)
          out[i * size + j]! += (a.data[row * width + i] ?? NaN) * (b.data[from + j] ?? NaN);
      }
    }
    return out;
  },
  samples: [
    { types: { a: f32(3, 4), b: f32(3, 4) }, attrs: { size: 2 } },
    { types: { a: f32(2, 3), b: f32(2, 3) }, attrs: { size: 3 } },
  ],
});

/** aᵀ·b of each block of `size` columns: [blocks, size, size]. */
export const blockProducts = (a: Value, b: Value, size: number): Value => apply(blockProductsOp, { a, b }, { size });

/** x·m of each block, or x·mᵀ: [rows, blocks·size]. `m` is [blocks, size, size]. */
function blockwise(x: Value, m: Value, size: number, transB: boolean): Value {
  const [rows = 0, width = 0] = x.type.shape;
  const blocks = transpose(reshape(x, [rows, width / size, size]), [1, 0, 2]);
  return reshape(transpose(matmul(blocks, m, { transB }), [1, 0, 2]), [rows, width]);
}
