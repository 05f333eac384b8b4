/** @file Writes a program as the bytes of an ONNX file. Weights stay outside, as external data in the files they lie in. */
import path from 'node:path';
import protobuf from 'protobufjs/light';
import { KernelError } from '../../protocol/errors';
import type { Node, TensorType, Value } from '../graph';
import { nameValues } from '../names';
import type { Named } from '../op';
import { mapNamed } from '../op';
import type { Program } from '../program';
// The official onnx.proto (ONNX 1.23, Apache-2.0) as protobufjs prints it; see CONTRIBUTING for the command.
import descriptor from './onnx.json';
import type { AttributeValue, OnnxTensor, StoredDType, Target } from './writer';
import { dequantize, type PackedWeight } from './dequantize';
import { OnnxWriter } from './writer';

const ModelProto = protobuf.Root.fromJSON(descriptor).lookupType('onnx.ModelProto');

const OPSET = 18;
const IR_VERSION = 9;
// onnx.TensorProto.DataType
const TENSOR_TYPE: Record<StoredDType | 'i64', number> = {
  f32: 1,
  u8: 2,
  i8: 3,
  i32: 6,
  i64: 7,
  bool: 9,
  f16: 10,
  bf16: 16,
};
// onnx.AttributeProto.AttributeType
const ATTRIBUTE_TYPE = { float: 1, int: 2, string: 3, ints: 7 };

export interface EncodeOptions {
  readonly target: Target;
  /** External weight files are named relative to this folder, which the session must be told. */
  readonly weightsFolder: string;
}

/** A program in ONNX's terms, before it becomes bytes: what the file holds and in which order. */
export interface EmittedProgram {
  readonly out: OnnxWriter;
  readonly nameOf: (value: Value) => string;
}

export function emitProgram(program: Program, target: Target): EmittedProgram {
  const names = nameValues(program);
  const nameOf = (value: Value): string => {
    const name = names.get(value);
    if (name === undefined) throw new KernelError('internal', 'a node uses a value that the program does not hold');
    return name;
  };
  const out = new OnnxWriter(target);
  for (const leaf of program.leaves) {
    if (leaf.leaf?.kind === 'constant') {
      const { data } = leaf.leaf;
      const { shape } = leaf.type;
      const name = nameOf(leaf);
      out.tensor(data instanceof Int32Array ? { kind: 'i32', name, shape, data } : { kind: 'f32', name, shape, data });
    } else if (leaf.leaf?.kind === 'weight' && !leaf.leaf.quantized) {
      out.tensor({ kind: 'external', name: nameOf(leaf), type: leaf.type, location: leaf.leaf.location });
    }
  }
  const wide = new Map<Value, string>();
  let scope: string | undefined;
  for (const node of program.nodes) {
    const name = nameOf(node.output);
    out.begin(name);
    const types = mapNamed(node.inputs, (v) => v.type);
    // Widened once for each layer and direction: one copy for all would stay in memory from the forward to the backward pass.
    if (node.scope !== scope) {
      wide.clear();
      out.enterScope();
    }
    scope = node.scope;
    const packed = packedInputs(node, nameOf);
    const inputs = (): Named<string, string> =>
      mapNamed(node.inputs, (v, key) => {
        const weight = packed[key];
        if (!weight && (!isHalf(v.type) || node.op.acceptsHalf)) return nameOf(v);
        const copy = wide.get(v) ?? (weight ? dequantize(out, weight) : widen(out, nameOf(v)));
        wide.set(v, copy);
        return copy;
      });
    const emitted = emitPacked(out, node, packed, nameOf);
    out.finish(emitted ?? node.op.emit(out, inputs(), node.attrs, types, node.output.type), name);
  }
  // onnxruntime orders execution by a depth-first search that starts at the last node without readers. Outputs get
  // nodes of their own at the end, the one made last coming first, so that the search meets them in the order of the
  // program; otherwise it walks to the first layer's gradient before all others and keeps everything alive till then.
  out.enterScope();
  for (const [name, value] of [...program.outputs].sort(([, a], [, b]) => b.id - a.id)) {
    const weight = packedWeight(value, nameOf);
    out.begin(name);
    out.alias(weight ? dequantize(out, weight) : nameOf(value), name);
  }
  return { out, nameOf };
}

export function encodeOnnx(program: Program, { target, weightsFolder }: EncodeOptions): Uint8Array {
  const { out, nameOf } = emitProgram(program, target);
  const describe = (name: string, { dtype, shape }: TensorType): object => ({
    name,
    type: { tensor_type: { elem_type: TENSOR_TYPE[dtype], shape: { dim: shape.map((d) => ({ dim_value: d })) } } },
  });
  const model = {
    ir_version: IR_VERSION,
    producer_name: 'adapter-studio',
    opset_import: [
      { domain: '', version: OPSET },
      { domain: 'com.microsoft', version: 1 },
    ],
    graph: {
      name: 'graph',
      node: out.nodes.map((n) => ({
        op_type: n.opType,
        domain: n.domain,
        name: n.name,
        input: n.inputs,
        output: n.outputs,
        attribute: Object.entries(n.attributes).map(([key, value]) => attribute(key, value)),
      })),
      initializer: [...out.tensors.values()].map((t) => tensorProto(t, weightsFolder)),
      input: program.leaves.flatMap((v) => (v.leaf?.kind === 'input' ? [describe(nameOf(v), v.type)] : [])),
      output: [...program.outputs].map(([name, v]) => describe(name, v.type)),
    },
  };
  return ModelProto.encode(ModelProto.fromObject(model)).finish();
}

type Packed = Partial<Named<string, PackedWeight>>;

const packedInputs = ({ inputs }: Node, nameOf: (value: Value) => string): Packed =>
  Object.fromEntries(
    Object.entries(inputs).flatMap(([key, value]) => {
      const weight = packedWeight(value, nameOf);
      return weight ? [[key, weight]] : [];
    }),
  );

const packedWeight = (value: Value, nameOf: (value: Value) => string): PackedWeight | undefined =>
  value.leaf?.kind === 'weight' && value.leaf.quantized
    ? { name: nameOf(value), codes: value.leaf.location, quantized: value.leaf.quantized }
    : undefined;

/** By the operator's own way to read quantised weights, if it has one for these and all other inputs are as they are read. */
function emitPacked(
  out: OnnxWriter,
  { op, inputs, attrs }: Node,
  packed: Packed,
  nameOf: (value: Value) => string,
): string | undefined {
  if (!op.emitPacked || Object.keys(packed).length === 0) return undefined;
  const others = Object.entries(inputs).filter(([key]) => !packed[key]);
  if (others.some(([, value]) => isHalf(value.type))) return undefined;
  return op.emitPacked(out, Object.fromEntries(others.map(([key, value]) => [key, nameOf(value)])), packed, attrs);
}

const widen = (out: OnnxWriter, name: string): string => out.node('Cast', [name], { to: { int: TENSOR_TYPE.f32 } });

const isHalf = ({ dtype }: TensorType): boolean => dtype === 'f16' || dtype === 'bf16';

function attribute(name: string, value: AttributeValue): object {
  if ('int' in value) return { name, type: ATTRIBUTE_TYPE.int, i: value.int };
  if ('ints' in value) return { name, type: ATTRIBUTE_TYPE.ints, ints: value.ints };
  if ('float' in value) return { name, type: ATTRIBUTE_TYPE.float, f: value.float };
  return { name, type: ATTRIBUTE_TYPE.string, s: Buffer.from(value.string) };
}

function tensorProto(tensor: OnnxTensor, weightsFolder: string): object {
  const { name } = tensor;
  if (tensor.kind === 'external') {
    const { file, offset, byteLength } = tensor.location;
    const location = path.relative(weightsFolder, file);
    if (location.startsWith('..') || path.isAbsolute(location)) {
      throw new KernelError('internal', `${file} lies outside the weights folder ${weightsFolder}`);
    }
    return {
      name,
      dims: tensor.type.shape,
      data_type: TENSOR_TYPE[tensor.type.dtype],
      data_location: 1,
      external_data: Object.entries({ location, offset, length: byteLength }).map(([key, v]) => ({
        key,
        value: String(v),
      })),
    };
  }
  const bytes =
    tensor.kind === 'i64'
      ? new Uint8Array(BigInt64Array.from(tensor.data, BigInt).buffer)
      : new Uint8Array(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength);
  return { name, dims: tensor.shape, data_type: TENSOR_TYPE[tensor.kind], raw_data: bytes };
}
