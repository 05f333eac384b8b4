/** @file The machine's float32 matrix product peak, by one ONNX Gemm of big square matrices: what training is measured against. */
import * as ort from 'onnxruntime-node';
import protobuf from 'protobufjs/light';
import descriptor from '../../../kernels/graph/onnx/onnx.json';

const SIZE = 2048;
const FLOAT = 1; // onnx.TensorProto.DataType

/** Best rate of repeated products over `seconds`, in FLOP/s, on the runtime's own choice of threads (physical cores). */
export async function measureSgemm(seconds: number): Promise<number> {
  const session = await ort.InferenceSession.create(gemmModel(), { graphOptimizationLevel: 'disabled' });
  const feeds = { a: randomMatrix(1), b: randomMatrix(2) };
  let best = Infinity;
  const end = performance.now() + 1000 * seconds;
  while (performance.now() < end) {
    const start = performance.now();
    await session.run(feeds);
    best = Math.min(best, performance.now() - start);
  }
  await session.release();
  return (2 * SIZE ** 3) / (best / 1000);
}

/** y = a·bᵀ, the form in which a linear layer meets its weight. */
function gemmModel(): Uint8Array {
  const matrix = (name: string) => ({
    name,
    type: { tensor_type: { elem_type: FLOAT, shape: { dim: [{ dim_value: SIZE }, { dim_value: SIZE }] } } },
  });
  const transB = { name: 'transB', type: 2, i: 1 };
  const model = {
    ir_version: 9,
    opset_import: [{ domain: '', version: 18 }],
    graph: {
      name: 'sgemm',
      node: [{ op_type: 'Gemm', input: ['a', 'b'], output: ['y'], attribute: [transB] }],
      input: [matrix('a'), matrix('b')],
      output: [matrix('y')],
    },
  };
  const type = protobuf.Root.fromJSON(descriptor).lookupType('onnx.ModelProto');
  return type.encode(type.fromObject(model)).finish();
}

function randomMatrix(seed: number): ort.Tensor {
  let state = seed;
  const values = Float32Array.from({ length: SIZE * SIZE }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state / 2 ** 31;
  });
  return new ort.Tensor('float32', values, [SIZE, SIZE]);
}
