/**
 * @file Shapes of every tensor of an emitted program, also of those that live inside one operator of ours. Only the
 * ONNX operators that our operators emit; a test over all of them compares the last shape with the operator's own rule.
 */
import { sizeOf } from '../graph/graph';
import type { EmittedProgram } from '../graph/onnx/encode';
import type { OnnxNode, OnnxTensor } from '../graph/onnx/writer';
import type { Program } from '../graph/program';
import { KernelError } from '../protocol/errors';

export interface RawType {
  readonly elementBytes: number;
  readonly shape: readonly number[];
}

export const bytesOfType = ({ elementBytes, shape }: RawType): number => elementBytes * sizeOf(shape);

const ELEMENT_BYTES = { f32: 4, u8: 1, i8: 1, i32: 4, i64: 8, bool: 1, f16: 2, bf16: 2 } as const;
// onnx.TensorProto.DataType: float, int32, int64, bool, float16, bfloat16
const CAST_BYTES: Readonly<Record<number, number>> = { 1: 4, 6: 4, 7: 8, 9: 1, 10: 2, 16: 2 };

interface Context {
  readonly node: OnnxNode;
  readonly types: readonly RawType[];
  /** Values of a shape or axis argument. */
  numbers(input: number): readonly number[];
}

const like = ({ types }: Context): RawType => types[0] ?? missing();
const broadcast = ({ types }: Context): RawType => ({
  elementBytes: types[0]?.elementBytes ?? 4,
  shape: types.map((t) => t.shape).reduce(broadcastShapes),
});

const RULES: Readonly<Record<string, (context: Context) => RawType>> = {
  Add: broadcast,
  Sub: broadcast,
  Mul: broadcast,
  Div: broadcast,
  // The condition comes first; the result has the type of the choices.
  Where: (c) => ({ elementBytes: c.types[1]?.elementBytes ?? 4, shape: broadcast(c).shape }),
  Neg: like,
  Relu: like,
  Sign: like,
  Sqrt: like,
  Reciprocal: like,
  Log: like,
  Exp: like,
  Erf: like,
  Tanh: like,
  Sigmoid: like,
  QuickGelu: like,
  FastGelu: like,
  Softmax: like,
  SimplifiedLayerNormalization: like,
  LayerNormalization: like,
  Identity: like,
  ScatterND: like,
  ScatterElements: like,
  Cast: (c) => ({ elementBytes: CAST_BYTES[int(c.node, 'to')] ?? missing(), shape: like(c).shape }),
  Gemm: ({ node, types }) => {
    const [a, b] = [types[0] ?? missing(), types[1] ?? missing()];
    return { elementBytes: 4, shape: [at(a, int(node, 'transA')), at(b, 1 - int(node, 'transB'))] };
  },
  MatMulBnb4: ({ node, types }) => ({ elementBytes: 4, shape: [at(types[0] ?? missing(), 0), int(node, 'N')] }),
  MatMul: (c) => product(c, 0, 0),
  FusedMatMul: (c) => product(c, int(c.node, 'transA'), int(c.node, 'transB')),
  Reshape: (c) => ({ ...like(c), shape: c.numbers(1) }),
  Expand: (c) => ({ ...like(c), shape: broadcastShapes(like(c).shape, c.numbers(1)) }),
  Transpose: (c) => ({ ...like(c), shape: ints(c.node, 'perm').map((axis) => at(like(c), axis)) }),
  Slice: (c) => {
    const [from, to, axes] = [c.numbers(1), c.numbers(2), c.numbers(3)];
    return {
      ...like(c),
      shape: like(c).shape.map((d, axis) => {
        const i = axes.indexOf(axis);
        return i < 0 ? d : Math.min(d, to[i] ?? d) - (from[i] ?? 0);
      }),
    };
  },
  Pad: (c) => {
    const pads = c.numbers(1);
    const rank = like(c).shape.length;
    return { ...like(c), shape: like(c).shape.map((d, i) => d + (pads[i] ?? 0) + (pads[i + rank] ?? 0)) };
  },
  Concat: (c) => {
    const axis = int(c.node, 'axis');
    const sum = c.types.reduce((n, t) => n + at(t, axis), 0);
    return { ...like(c), shape: like(c).shape.map((d, i) => (i === axis ? sum : d)) };
  },
  ReduceSum: reduced,
  ReduceMax: reduced,
  ReduceMean: reduced,
  Gather: ({ types }) => {
    const [table, rows] = [types[0] ?? missing(), types[1] ?? missing()];
    return { elementBytes: table.elementBytes, shape: [...rows.shape, ...table.shape.slice(1)] };
  },
  GatherElements: ({ types }) => ({
    elementBytes: types[0]?.elementBytes ?? 4,
    shape: (types[1] ?? missing()).shape,
  }),
};

/** The type of every name of the program: leaves, results and what operators hold inside. */
export function typesOf(program: Program, { out, nameOf }: EmittedProgram): ReadonlyMap<string, RawType> {
  const types = new Map<string, RawType>();
  for (const tensor of out.tensors.values()) types.set(tensor.name, typeOfTensor(tensor));
  for (const leaf of program.leaves) {
    if (leaf.leaf?.kind === 'weight') continue; // as it is stored
    const { dtype, shape } = leaf.type;
    types.set(nameOf(leaf), { elementBytes: ELEMENT_BYTES[dtype], shape });
  }
  for (const node of out.nodes) {
    const rule = RULES[node.opType];
    if (!rule) throw new KernelError('internal', `the shape of the ONNX operator ${node.opType} is not known`);
    const context: Context = {
      node,
      types: node.inputs.map((name) => types.get(name) ?? missing()),
      numbers: (i) => {
        const tensor = out.tensors.get(node.inputs[i] ?? '');
        return tensor?.kind === 'i64' ? tensor.data : missing();
      },
    };
    const type = rule(context);
    for (const name of node.outputs) types.set(name, type);
  }
  return types;
}

function typeOfTensor(tensor: OnnxTensor): RawType {
  if (tensor.kind === 'external') {
    return { elementBytes: ELEMENT_BYTES[tensor.type.dtype], shape: tensor.type.shape };
  }
  return { elementBytes: ELEMENT_BYTES[tensor.kind], shape: tensor.shape };
}

function product({ node, types }: Context, transA: number, transB: number): RawType {
  const [a, b] = [
    rowsLast(types[0] ?? missing(), node, 'transBatchA'),
    rowsLast(types[1] ?? missing(), node, 'transBatchB'),
  ];
  const batch = broadcastShapes(a.shape.slice(0, -2), b.shape.slice(0, -2));
  return { elementBytes: 4, shape: [...batch, at(a, transA ? -1 : -2), at(b, transB ? -2 : -1)] };
}

/** The matrices of a stack whose rows are its first axis, where `attribute` says so. */
function rowsLast(type: RawType, node: OnnxNode, attribute: string): RawType {
  const { shape } = type;
  return int(node, attribute) ? { ...type, shape: [...shape.slice(1, -1), at(type, 0), at(type, -1)] } : type;
}

/** With keepdims, as all our reductions are. */
function reduced(c: Context): RawType {
  const { shape } = like(c);
  const axes = c.numbers(1).map((axis) => (axis < 0 ? axis + shape.length : axis));
  return { ...like(c), shape: shape.map((d, i) => (axes.includes(i) ? 1 : d)) };
}

function broadcastShapes(a: readonly number[], b: readonly number[]): readonly number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const [da, db] = [a[i - rank + a.length] ?? 1, b[i - rank + b.length] ?? 1];
    return da === 1 ? db : da;
  });
}

const at = ({ shape }: RawType, axis: number): number => shape.at(axis) ?? missing();

function int(node: OnnxNode, name: string): number {
  const attribute = node.attributes[name];
  return attribute && 'int' in attribute ? attribute.int : 0;
}

function ints(node: OnnxNode, name: string): readonly number[] {
  const attribute = node.attributes[name];
  return attribute && 'ints' in attribute ? attribute.ints : missing();
}

function missing(): never {
  throw new KernelError('internal', 'an emitted node lacks an input or attribute');
}
