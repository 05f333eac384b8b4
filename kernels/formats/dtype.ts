/**
 * @file The element types of safetensors files, and conversion between the floating types and float32 (round to nearest,
 * ties to even). All bytes are little-endian, as in the files; so is every machine this engine runs on.
 */

/**
 * Bits per element. The order is the reference writer's: files written by it hold the tensors of the last type first.
 * Types of less than 8 bits are packed; such a tensor must fill whole bytes.
 */
export const DTYPE_BITS = {
  BOOL: 8,
  F4: 4,
  F6_E2M3: 6,
  F6_E3M2: 6,
  U8: 8,
  I8: 8,
  F8_E5M2: 8,
  F8_E4M3: 8,
  F8_E8M0: 8,
  F8_E4M3FNUZ: 8,
  F8_E5M2FNUZ: 8,
  I16: 16,
  U16: 16,
  F16: 16,
  BF16: 16,
  I32: 32,
  U32: 32,
  F32: 32,
  C64: 64,
  F64: 64,
  I64: 64,
  U64: 64,
} as const;

export type Dtype = keyof typeof DTYPE_BITS;

export function isDtype(name: string): name is Dtype {
  return Object.hasOwn(DTYPE_BITS, name);
}

/** The types that hold model weights and convert to float32 and back. */
export type FloatDtype = 'F64' | 'F32' | 'F16' | 'BF16';

export function isFloatDtype(dtype: Dtype): dtype is FloatDtype {
  return dtype === 'F64' || dtype === 'F32' || dtype === 'F16' || dtype === 'BF16';
}

/** Elements of a shape; a scalar has the shape [] and one element. `undefined` beyond what a double counts exactly. */
export function elementCount(shape: readonly number[]): number | undefined {
  let count = 1;
  for (const dim of shape) {
    count *= dim;
    // At once, as in the reference reader: a later 0 does not make an overflow good.
    if (!Number.isSafeInteger(count)) return undefined;
  }
  return count;
}

/** Bytes of a tensor; `undefined` when that is not a whole number, or beyond what a double counts exactly. */
export function byteLengthOf(dtype: Dtype, shape: readonly number[]): number | undefined {
  const count = elementCount(shape);
  const bits = count === undefined ? undefined : count * DTYPE_BITS[dtype];
  return bits !== undefined && Number.isSafeInteger(bits) && bits % 8 === 0 ? bits / 8 : undefined;
}

/** Converts all of `bytes` to float32, into `out` from index 0. F64 is rounded; the other types are exact. */
export function decodeFloats(dtype: FloatDtype, bytes: Uint8Array, out: Float32Array): void {
  if (dtype === 'F32') {
    bytesOf(out).set(bytes);
    return;
  }
  // Written as integers, so that the bits of a NaN survive.
  const bits = new Uint32Array(out.buffer, out.byteOffset, out.length);
  if (dtype === 'F64') out.set(doubles(bytes));
  else if (dtype === 'BF16') decodeBf16(halves(bytes), bits);
  else decodeF16(halves(bytes), bits);
}

/** Converts all of `values` to `dtype`, into `out` from byte 0; rounds to nearest even, overflow becomes infinity. */
export function encodeFloats(dtype: FloatDtype, values: Float32Array, out: Uint8Array): void {
  if (dtype === 'F32') {
    out.set(bytesOf(values));
    return;
  }
  const isAligned = out.byteOffset % 8 === 0;
  const target = isAligned ? out : new Uint8Array((values.length * DTYPE_BITS[dtype]) / 8);
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  if (dtype === 'F64') new Float64Array(target.buffer, target.byteOffset, values.length).set(values);
  else if (dtype === 'BF16') encodeBf16(bits, new Uint16Array(target.buffer, target.byteOffset, values.length));
  else encodeF16(bits, new Uint16Array(target.buffer, target.byteOffset, values.length));
  if (!isAligned) out.set(target);
}

/** One float16, given as its 16 bits. */
export function halfToFloat(bits: number): number {
  scratchBits[0] = halfTable()[bits & 0xffff]!;
  return scratchFloat[0]!;
}

const scratchBits = new Uint32Array(1);
const scratchFloat = new Float32Array(scratchBits.buffer);

/** The same memory as bytes. */
export function bytesOf(values: Float32Array | Float64Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/** `bytes` themselves, or a copy of them where they start at an address that is no multiple of `size`. */
function aligned(bytes: Uint8Array, size: number): Uint8Array {
  return bytes.byteOffset % size === 0 ? bytes : bytes.slice();
}

function halves(bytes: Uint8Array): Uint16Array {
  const { buffer, byteOffset, byteLength } = aligned(bytes, 2);
  return new Uint16Array(buffer, byteOffset, byteLength / 2);
}

function doubles(bytes: Uint8Array): Float64Array {
  const { buffer, byteOffset, byteLength } = aligned(bytes, 8);
  return new Float64Array(buffer, byteOffset, byteLength / 8);
}

/** bfloat16 is the upper half of a float32. */
function decodeBf16(from: Uint16Array, to: Uint32Array): void {
  for (let i = 0; i < from.length; i++) to[i] = from[i]! << 16;
}

function encodeBf16(from: Uint32Array, to: Uint16Array): void {
  for (let i = 0; i < from.length; i++) {
    const bits = from[i]!;
    // Half a unit in the last kept place, less one when that place is even, carries exactly when it should round up.
    // A NaN must not: the carry would run through its mantissa to infinity or beyond.
    const isNan = (bits & 0x7fffffff) > 0x7f800000;
    to[i] = isNan ? (bits >>> 16) | 0x40 : ((bits | 0) + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
  }
}

function decodeF16(from: Uint16Array, to: Uint32Array): void {
  const table = halfTable();
  for (let i = 0; i < from.length; i++) to[i] = table[from[i]!]!;
}

function encodeF16(from: Uint32Array, to: Uint16Array): void {
  for (let i = 0; i < from.length; i++) {
    const bits = from[i]!;
    const sign = (bits >>> 16) & 0x8000;
    const magnitude = bits & 0x7fffffff;
    // 2⁻¹⁴ is the smallest normal float16, 2¹⁶ the first power of two beyond its range.
    if (magnitude >= 0x38800000 && magnitude < 0x47800000) {
      // Exponent bias 127 → 15, mantissa 23 → 10 bits; a carry from 65520 on gives infinity, as it should.
      to[i] = sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
    } else if (magnitude < 0x38800000) {
      to[i] = sign | subnormalHalf(magnitude);
    } else {
      to[i] = sign | (magnitude > 0x7f800000 ? 0x7e00 | ((magnitude >>> 13) & 0x3ff) : 0x7c00);
    }
  }
}

/** Below 2⁻¹⁴ the result counts units of 2⁻²⁴; the addition of 2⁻¹ in float32 rounds to that unit by itself. */
function subnormalHalf(magnitude: number): number {
  scratchBits[0] = magnitude;
  scratchFloat[0]! += 0.5;
  return scratchBits[0] - 0x3f000000;
}

let table: Uint32Array | undefined;

/** The float32 bits of all 65536 float16 values. */
function halfTable(): Uint32Array {
  return (table ??= Uint32Array.from({ length: 0x10000 }, (_, half) => halfBits(half)));
}

function halfBits(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >>> 10) & 0x1f;
  let mantissa = half & 0x3ff;
  if (exponent === 0x1f) return sign | 0x7f800000 | (mantissa << 13);
  if (exponent > 0) return sign | ((exponent + 112) << 23) | (mantissa << 13);
  if (mantissa === 0) return sign;
  // Subnormal: mantissa · 2⁻²⁴. Shift it up until its first bit is the implicit one.
  const shift = Math.clz32(mantissa) - 21;
  mantissa = (mantissa << shift) & 0x3ff;
  return sign | ((113 - shift) << 23) | (mantissa << 13);
}
