/**
 * @file A weight matrix that is stored quantised as bitsandbytes stores it, and its values in float32:
 *
 *   nf4, fp4   w = level[code] · absmax[block]      two codes in a byte, the upper half first; blocks of the flattened matrix
 *              absmax = level₂[code₂] · absmax₂[block₂] + offset      where the absmax are quantised as well ("double quantisation")
 *   int8       w = code · SCB[row] / 127
 *
 * bitsandbytes multiplies in float32 and rounds to the type the weight had before; here nothing is rounded after the product.
 */
import type { Dtype, FloatDtype } from './dtype';
import { bytesOf } from './dtype';
import type { FourBitForm } from '../util/fourBitLevels';

/** A tensor of a file that is a part of a quantised weight. */
export interface StoredPart {
  /** Its name in the file. */
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** Absolute path. */
  readonly file: string;
  readonly offset: number;
  readonly byteLength: number;
}

interface CommonParts {
  /** Shape [out, in] of the matrix that was quantised. */
  readonly shape: readonly [number, number];
  /** The model knows it as its transpose, [in, out]: GPT-2's layers are turned before they are quantised. */
  readonly isTransposed: boolean;
  /** The type it had before. */
  readonly from: FloatDtype;
  /** Two codes in a byte for 4 bits, one signed byte for 8. */
  readonly codes: StoredPart;
}

export interface FourBitWeight extends CommonParts {
  readonly form: FourBitForm;
  /** The values of the 16 codes, F32. */
  readonly levels: StoredPart;
  readonly blockSize: number;
  /** Of each block: F32, or U8 codes where there is `nested`. */
  readonly absmax: StoredPart;
  readonly nested?: NestedAbsmax;
}

export interface NestedAbsmax {
  /** The values of the 256 codes, F32. */
  readonly levels: StoredPart;
  readonly blockSize: number;
  /** Of each block of absmax, F32. */
  readonly absmax: StoredPart;
  readonly offset: number;
}

export interface EightBitWeight extends CommonParts {
  readonly form: 'int8';
  /** Largest magnitude of each row, F32. */
  readonly rowMax: StoredPart;
}

export type QuantizedWeight = FourBitWeight | EightBitWeight;

/** Every stored tensor that its values depend on. */
export function partsOf(weight: QuantizedWeight): readonly StoredPart[] {
  if (weight.form === 'int8') return [weight.codes, weight.rowMax];
  const { codes, levels, absmax, nested } = weight;
  return [codes, levels, absmax, ...(nested ? [nested.levels, nested.absmax] : [])];
}

/** Fills `into` with the bytes of a part from byte `begin` on. */
export type ReadPart = (part: StoredPart, begin: number, into: Uint8Array) => Uint8Array;

/** The rows [from, to) as the model knows the matrix, into `out` from its start. */
export function dequantizeRows(
  weight: QuantizedWeight,
  [from, to]: readonly [from: number, to: number],
  read: ReadPart,
  out: Float32Array,
): void {
  const [rows, width] = weight.shape;
  if (!weight.isTransposed) return dequantize(weight, from * width, to * width, read, out);
  const all = new Float32Array(rows * width);
  dequantize(weight, 0, all.length, read, all);
  for (let column = from; column < to; column++) {
    for (let row = 0; row < rows; row++) out[(column - from) * rows + row] = all[row * width + column]!;
  }
}

/** Values [from, to) of the flattened matrix as it is stored, into `out` from its start. */
export function dequantize(weight: QuantizedWeight, from: number, to: number, read: ReadPart, out: Float32Array): void {
  if (to <= from) return;
  if (weight.form === 'int8') dequantizeInt8(weight, from, to, read, out);
  else dequantizeFourBit(weight, from, to, read, out);
}

function dequantizeFourBit(weight: FourBitWeight, from: number, to: number, read: ReadPart, out: Float32Array): void {
  const { blockSize } = weight;
  const levels = floats(weight.levels, 0, 16, read);
  const firstByte = from >> 1;
  const bytes = read(weight.codes, firstByte, new Uint8Array(((to + 1) >> 1) - firstByte));
  const firstBlock = Math.floor(from / blockSize);
  const absmax = absmaxOf(weight, firstBlock, Math.ceil(to / blockSize), read);
  let at = from;
  for (let block = 0; at < to; block++) {
    const end = Math.min(to, (firstBlock + block + 1) * blockSize);
    const scale = absmax[block]!;
    for (; at < end; at++) {
      const byte = bytes[(at >> 1) - firstByte]!;
      out[at - from] = levels[at & 1 ? byte & 15 : byte >> 4]! * scale;
    }
  }
}

/** Of the blocks [from, to). */
function absmaxOf({ absmax, nested }: FourBitWeight, from: number, to: number, read: ReadPart): Float32Array {
  if (!nested) return floats(absmax, from, to, read);
  const levels = floats(nested.levels, 0, 256, read);
  const codes = read(absmax, from, new Uint8Array(to - from));
  const first = Math.floor(from / nested.blockSize);
  const scales = floats(nested.absmax, first, Math.ceil(to / nested.blockSize), read);
  const offset = Math.fround(nested.offset);
  // Two operations, each rounded to float32.
  return Float32Array.from(codes, (code, i) => {
    return Math.fround(levels[code]! * scales[Math.floor((from + i) / nested.blockSize) - first]!) + offset;
  });
}

function dequantizeInt8(weight: EightBitWeight, from: number, to: number, read: ReadPart, out: Float32Array): void {
  const [, width] = weight.shape;
  const bytes = read(weight.codes, from, new Uint8Array(to - from));
  const codes = new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  const first = Math.floor(from / width);
  const scales = floats(weight.rowMax, first, Math.ceil(to / width), read).map((max) => max * Math.fround(1 / 127));
  for (let i = 0; i < codes.length; i++) out[i] = codes[i]! * scales[Math.floor((from + i) / width) - first]!;
}

function floats(part: StoredPart, from: number, to: number, read: ReadPart): Float32Array {
  const values = new Float32Array(to - from);
  read(part, 4 * from, bytesOf(values));
  return values;
}
