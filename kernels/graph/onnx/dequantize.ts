/**
 * @file Quantised weights in an ONNX file, from their parts as they lie in the files; formulas in formats/quantizedWeight.ts. A
 * product reads 4-bit codes by an operator of onnxruntime's own; everything else reads values that standard operators make.
 */
import type { EightBitStorage, FourBitStorage, NestedStorage, QuantizedStorage, WeightLocation } from '../graph';
import { sizeOf } from '../graph';
import type { OnnxWriter, StoredDType } from './writer';
import { MICROSOFT } from './writer';

/** A quantised weight that an operator reads. */
export interface PackedWeight {
  /** Its name in the file. */
  readonly name: string;
  readonly codes: WeightLocation;
  readonly quantized: QuantizedStorage;
}

// onnx.TensorProto.DataType
const FLOAT = 1;
const INT32 = 6;

/** The kernel of the product knows no larger ones. */
const LARGEST_PRODUCT_BLOCK = 256;
/** `quant_type` of MatMulBnb4. */
const QUANT_TYPE = { fp4: 0, nf4: 1 } as const;

/** Emits the values, [out, in] in float32 (transposed where the model knows it so), and returns their name. */
export function dequantize(out: OnnxWriter, weight: PackedWeight): string {
  const { storage, isTransposed } = weight.quantized;
  const values = storage.bits === 4 ? fourBit(out, weight, storage) : eightBit(out, weight, storage);
  return isTransposed ? out.node('Transpose', [values], { perm: { ints: [1, 0] } }) : values;
}

/**
 * Emits x·W, or x·Wᵀ, by an operator that dequantises while it multiplies, in less than half the time. `undefined` where there
 * is none: for the product with [out, in] as it lies (`transB` of this operator has no effect on the CPU in onnxruntime 1.30: it
 * reads beyond the weight), on other devices, for 8 bits and very large blocks.
 */
export function packedProduct(out: OnnxWriter, x: string, weight: PackedWeight, transB: boolean): string | undefined {
  const { storage, isTransposed, shape } = weight.quantized;
  const isForward = transB !== isTransposed;
  if (!isForward || out.target !== 'cpu' || storage.bits !== 4 || storage.blockSize > LARGEST_PRODUCT_BLOCK)
    return undefined;
  const [rows, width] = shape;
  const codes = bytesOf(out, weight.name, weight.codes, Math.ceil(sizeOf(shape) / 2), storage.blockSize / 2);
  const attributes = {
    K: { int: width },
    N: { int: rows },
    block_size: { int: storage.blockSize },
    quant_type: { int: QUANT_TYPE[storage.form] },
  };
  return out.node('MatMulBnb4', [x, codes, absmaxOf(out, weight, storage)], attributes, MICROSOFT);
}

/** The codes are looked up two at a time: a byte is the row of a table of pairs. */
function fourBit(out: OnnxWriter, weight: PackedWeight, storage: FourBitStorage): string {
  const { name, codes, quantized } = weight;
  const { levels, blockSize } = storage;
  const { shape } = quantized;
  const count = sizeOf(shape);
  const blocks = Math.ceil(count / blockSize);
  const table = gather(out, part(out, `${name}.quant_map`, 'f32', [16], levels), pairs(out)); // [256, 2]
  const index = inBlocks(out, name, codes, Math.ceil(count / 2), blockSize / 2);
  const scale = out.node('Reshape', [absmaxOf(out, weight, storage), out.i64([blocks, 1, 1])]);
  const scaled = out.node('Mul', [gather(out, table, index), scale]); // [blocks, blockSize / 2, 2]
  return out.node('Reshape', [cut(out, scaled, blocks * blockSize, count), out.i64(shape)]);
}

/** [blocks] */
function absmaxOf(
  out: OnnxWriter,
  { name, quantized }: PackedWeight,
  { absmax, blockSize, nested }: FourBitStorage,
): string {
  const own = `${name}.absmax`;
  const blocks = Math.ceil(sizeOf(quantized.shape) / blockSize);
  if (!nested) return part(out, own, 'f32', [blocks], absmax);
  return out.once(own, () => nestedAbsmax(out, name, own, absmax, blocks, nested));
}

function nestedAbsmax(
  out: OnnxWriter,
  name: string,
  own: string,
  absmax: WeightLocation,
  blocks: number,
  nested: NestedStorage,
): string {
  const outer = Math.ceil(blocks / nested.blockSize);
  const levels = part(out, `${name}.nested_quant_map`, 'f32', [256], nested.levels);
  const values = gather(out, levels, inBlocks(out, own, absmax, blocks, nested.blockSize)); // [outer, blockSize]
  const scaled = out.node('Mul', [values, part(out, `${name}.nested_absmax`, 'f32', [outer, 1], nested.absmax)]);
  const all = out.node('Add', [scaled, out.scalar(Math.fround(nested.offset))]);
  return outer * nested.blockSize === blocks
    ? out.node('Reshape', [all, out.i64([blocks])])
    : cut(out, all, outer * nested.blockSize, blocks);
}

function eightBit(
  out: OnnxWriter,
  { name, codes, quantized: { shape } }: PackedWeight,
  { rowMax }: EightBitStorage,
): string {
  const scale = out.node('Mul', [part(out, `${name}.SCB`, 'f32', [shape[0], 1], rowMax), out.scalar(1 / 127)]);
  const values = out.node('Cast', [part(out, name, 'i8', shape, codes)], { to: { int: FLOAT } });
  return out.node('Mul', [values, scale]);
}

/** Both codes of each byte, the upper half first. */
function pairs(out: OnnxWriter): string {
  const data = Int32Array.from({ length: 512 }, (_, i) => (i % 2 === 0 ? i >> 5 : (i >> 1) & 15));
  return out.tensor({ kind: 'i32', name: 'pairs of codes', shape: [256, 2], data });
}

/** Bytes as indices i32[blocks, size]; those of a block that is not whole are followed by zeros. */
function inBlocks(out: OnnxWriter, name: string, location: WeightLocation, bytes: number, size: number): string {
  const blocks = Math.ceil(bytes / size);
  const index = out.node('Cast', [bytesOf(out, name, location, bytes, size)], { to: { int: INT32 } });
  if (blocks * size === bytes) return index;
  const padded = out.node('Pad', [index, out.i64([0, blocks * size - bytes])]);
  return out.node('Reshape', [padded, out.i64([blocks, size])]);
}

/** u8[blocks, size] where the last block is whole, else flat: one form for all readers of a part. */
function bytesOf(out: OnnxWriter, name: string, location: WeightLocation, bytes: number, size: number): string {
  return part(out, name, 'u8', bytes % size === 0 ? [bytes / size, size] : [bytes], location);
}

/** The first `wanted` of all values, flat where that is not all. */
function cut(out: OnnxWriter, values: string, count: number, wanted: number): string {
  if (count === wanted) return values;
  const flat = out.node('Reshape', [values, out.i64([count])]);
  return out.node('Slice', [flat, out.i64([0]), out.i64([wanted]), out.i64([0])]);
}

function part(
  out: OnnxWriter,
  name: string,
  dtype: StoredDType,
  shape: readonly number[],
  location: WeightLocation,
): string {
  return out.tensor({ kind: 'external', name, type: { dtype, shape }, location });
}

const gather = (out: OnnxWriter, table: string, rows: string): string =>
  out.node('Gather', [table, rows], { axis: { int: 0 } });
