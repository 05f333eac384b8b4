/** @file GGUF blocks to float32. Q8_0: d·q. Q4_1: d·q + m. d and m are float16, q is int8 or 4 unsigned bits. */
import { halfToFloat } from '../../../kernels/formats/dtype';
import type { GgufTensor } from './gguf';

const BLOCK = 32;

/** All values of a tensor in file order. The arithmetic rounds once to float32, as numpy's does. */
export function dequantize({ name, type, bytes }: GgufTensor): Float32Array {
  switch (type) {
    case 'F32':
      return Float32Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readFloatLE(4 * i));
    case 'F16':
      return Float32Array.from({ length: bytes.length / 2 }, (_, i) => halfToFloat(bytes.readUInt16LE(2 * i)));
    case 'Q8_0':
      return dequantizeQ8(bytes);
    case 'Q4_1':
      return dequantizeQ4(bytes);
    default:
      throw new Error(`${name}: no dequantisation for ${type}`);
  }
}

function dequantizeQ8(bytes: Buffer): Float32Array {
  const blocks = bytes.length / 34;
  const out = new Float32Array(blocks * BLOCK);
  const quants = new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let b = 0; b < blocks; b++) {
    const scale = halfToFloat(bytes.readUInt16LE(34 * b));
    for (let i = 0; i < BLOCK; i++) out[BLOCK * b + i] = scale * quants[34 * b + 2 + i]!;
  }
  return out;
}

/** The low halves of the 16 bytes are the block's first 16 values, the high halves its last 16. */
function dequantizeQ4(bytes: Buffer): Float32Array {
  const blocks = bytes.length / 20;
  const out = new Float32Array(blocks * BLOCK);
  for (let b = 0; b < blocks; b++) {
    const scale = halfToFloat(bytes.readUInt16LE(20 * b));
    const minimum = halfToFloat(bytes.readUInt16LE(20 * b + 2));
    for (let i = 0; i < 16; i++) {
      const pair = bytes[20 * b + 4 + i]!;
      out[BLOCK * b + i] = scale * (pair & 15) + minimum;
      out[BLOCK * b + 16 + i] = scale * (pair >> 4) + minimum;
    }
  }
  return out;
}
