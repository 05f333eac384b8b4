/** @file The values of stored tensor bytes as numbers, for every element type that holds plain numbers in whole bytes. */
import { decodeFloats, halfToFloat, type Dtype } from '../formats/dtype';

/**
 * All of `bytes` as numbers, without a copy where the machine's own arrays fit; `null` for types that are no plain numbers
 * (packed ones, complex numbers). `bytes` starts at a multiple of the element's size.
 */
export function decodeNumbers(dtype: Dtype, bytes: Uint8Array): ArrayLike<number> | null {
  const { buffer, byteOffset, byteLength } = bytes;
  switch (dtype) {
    case 'F64':
      return new Float64Array(buffer, byteOffset, byteLength / 8);
    case 'F32':
      return new Float32Array(buffer, byteOffset, byteLength / 4);
    case 'F16':
    case 'BF16': {
      const values = new Float32Array(byteLength / 2);
      decodeFloats(dtype, bytes, values);
      return values;
    }
    case 'BOOL':
    case 'U8':
      return bytes;
    case 'I8':
      return new Int8Array(buffer, byteOffset, byteLength);
    case 'U16':
      return new Uint16Array(buffer, byteOffset, byteLength / 2);
    case 'I16':
      return new Int16Array(buffer, byteOffset, byteLength / 2);
    case 'U32':
      return new Uint32Array(buffer, byteOffset, byteLength / 4);
    case 'I32':
      return new Int32Array(buffer, byteOffset, byteLength / 4);
    case 'U64':
      return Float64Array.from(new BigUint64Array(buffer, byteOffset, byteLength / 8), Number);
    case 'I64':
      return Float64Array.from(new BigInt64Array(buffer, byteOffset, byteLength / 8), Number);
    case 'F8_E5M2':
    case 'F8_E4M3':
    case 'F8_E8M0':
    case 'F8_E4M3FNUZ':
    case 'F8_E5M2FNUZ': {
      const table = (tables[dtype] ??= Float32Array.from({ length: 256 }, (_, bits) => BYTE_FLOATS[dtype](bits)));
      return Float32Array.from(bytes, (bits) => table[bits] as number);
    }
    case 'F4':
    case 'F6_E2M3':
    case 'F6_E3M2':
    case 'C64':
      return null;
  }
}

type ByteFloat = 'F8_E5M2' | 'F8_E4M3' | 'F8_E8M0' | 'F8_E4M3FNUZ' | 'F8_E5M2FNUZ';

const tables: Partial<Record<ByteFloat, Float32Array>> = {};

/** One value of each 8-bit format (OCP 8-bit floating point and microscaling specifications; FNUZ: finite, no negative zero). */
const BYTE_FLOATS: Readonly<Record<ByteFloat, (bits: number) => number>> = {
  // The upper half of a float16.
  F8_E5M2: (bits) => halfToFloat(bits << 8),
  F8_E4M3: (bits) => ((bits & 0x7f) === 0x7f ? NaN : smallFloat(bits, 3, 7)),
  F8_E8M0: (bits) => (bits === 0xff ? NaN : 2 ** (bits - 127)),
  F8_E4M3FNUZ: (bits) => (bits === 0x80 ? NaN : smallFloat(bits, 3, 8)),
  F8_E5M2FNUZ: (bits) => (bits === 0x80 ? NaN : smallFloat(bits, 2, 16)),
};

/** Sign, exponent and `mantissaBits` of mantissa in 8 bits, without patterns for infinity. */
function smallFloat(bits: number, mantissaBits: number, bias: number): number {
  const scale = 2 ** mantissaBits;
  const exponent = (bits & 0x7f) >> mantissaBits;
  const mantissa = (bits & (scale - 1)) / scale;
  const size = exponent === 0 ? mantissa * 2 ** (1 - bias) : (1 + mantissa) * 2 ** (exponent - bias);
  return bits & 0x80 ? -size : size;
}
