/** @file Conversions between float32 and the 16-bit types, against an arithmetic definition over every bit pattern. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  byteLengthOf,
  bytesOf,
  decodeFloats,
  elementCount,
  encodeFloats,
  halfToFloat,
  type FloatDtype,
} from '../../../kernels/formats/dtype';

const FORMATS = { F16: { exponentBits: 5, mantissaBits: 10 }, BF16: { exponentBits: 8, mantissaBits: 7 } } as const;
type Half = keyof typeof FORMATS;

/** IEEE 754 by the book, in float64: ±(1 + m/2^M)·2^(e − bias), subnormals without the one. */
function valueOf(format: Half, bits: number): number {
  const { exponentBits, mantissaBits } = FORMATS[format];
  const sign = bits & 0x8000 ? -1 : 1;
  const largest = 2 ** exponentBits - 1;
  const exponent = (bits >>> mantissaBits) & largest;
  const mantissa = (bits & (2 ** mantissaBits - 1)) / 2 ** mantissaBits;
  const bias = 2 ** (exponentBits - 1) - 1;
  if (exponent === largest) return mantissa === 0 ? sign * Infinity : NaN;
  return exponent === 0 ? sign * mantissa * 2 ** (1 - bias) : sign * (1 + mantissa) * 2 ** (exponent - bias);
}

const everyPattern = Uint16Array.from({ length: 0x10000 }, (_, i) => i);
const everyPatternBytes = new Uint8Array(everyPattern.buffer);

function decoded(format: FloatDtype, bytes: Uint8Array, count: number): Float32Array {
  const out = new Float32Array(count);
  decodeFloats(format, bytes, out);
  return out;
}

function encoded(format: Half, values: Float32Array): Uint16Array {
  const out = new Uint16Array(values.length);
  encodeFloats(format, values, new Uint8Array(out.buffer));
  return out;
}

test.each(['F16', 'BF16'] as const)('every %s pattern decodes to its value', (format) => {
  const values = decoded(format, everyPatternBytes, 0x10000);
  const wrong = [...values.keys()].filter((i) => !Object.is(values[i], valueOf(format, i)));
  expect(wrong).toEqual([]);
  if (format === 'F16') expect([...everyPattern].filter((i) => !Object.is(halfToFloat(i), values[i]))).toEqual([]);
});

test.each(['F16', 'BF16'] as const)('every %s pattern survives a trip through float32', (format) => {
  const back = encoded(format, decoded(format, everyPatternBytes, 0x10000));
  const quiet = 1 << (FORMATS[format].mantissaBits - 1); // a signalling NaN comes back quiet
  const wrong = [...back.keys()].filter((i) => back[i] !== (Number.isNaN(valueOf(format, i)) ? i | quiet : i));
  expect(wrong).toEqual([]);
});

test.each(['F16', 'BF16'] as const)('midpoints between neighbours of %s round to the even one', (format) => {
  const infinity = format === 'F16' ? 0x7c00 : 0x7f80;
  const wrong: number[] = [];
  const between: number[] = [];
  for (let i = 0; i < infinity; i++) {
    // Past the largest finite value the next step would be as large as the last.
    const [a, b] = [
      valueOf(format, i),
      i + 1 < infinity ? valueOf(format, i + 1) : 2 * valueOf(format, i) - valueOf(format, i - 1),
    ];
    between.push((a + b) / 2);
  }
  const values = Float32Array.from(between);
  const midpoints = encoded(format, values);
  const [below, above] = [
    encoded(
      format,
      values.map((_, i) => neighbour(values, i, -1)),
    ),
    encoded(
      format,
      values.map((_, i) => neighbour(values, i, 1)),
    ),
  ];
  for (let i = 0; i < infinity; i++) {
    if (midpoints[i] !== (i % 2 === 0 ? i : i + 1) || below[i] !== i || above[i] !== i + 1) wrong.push(i);
  }
  expect(wrong).toEqual([]);
});

/** The next float32 towards (+1) or away from (−1) infinity of a positive value. */
function neighbour(values: Float32Array, index: number, step: number): number {
  const bits = new Uint32Array(Float32Array.of(values[index]!).buffer);
  bits[0]! += step;
  return new Float32Array(bits.buffer)[0]!;
}

test.each(['F16', 'BF16'] as const)('any float32 becomes the nearest %s', (format) => {
  const limit = valueOf(format, format === 'F16' ? 0x7bff : 0x7f7f);
  fc.assert(
    fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), (value) => {
      const bits = encoded(format, Float32Array.of(value))[0]!;
      if (Math.abs(value) > limit) return;
      const error = Math.abs(valueOf(format, bits) - value);
      for (const other of [bits - 1, bits + 1].map((b) => valueOf(format, b & 0xffff))) {
        if (Number.isFinite(other)) expect(error).toBeLessThanOrEqual(Math.abs(other - value));
      }
      expect(Object.is(Math.sign(valueOf(format, bits)), Math.sign(value)) || valueOf(format, bits) === 0).toBe(true);
    }),
    { numRuns: 2000 },
  );
});

test('float64 rounds to float32 and float32 comes back as it was', () => {
  const values = Float64Array.of(Math.PI, -1e-40, 1e300, -0, NaN, 16777217);
  const f32 = decoded('F64', bytesOf(values), values.length);
  expect([...f32]).toEqual([...values].map(Math.fround));
  expect([...decoded('F32', bytesOf(f32), f32.length)]).toEqual([...f32]);
  const wide = new Float64Array(f32.length);
  encodeFloats('F64', f32, bytesOf(wide));
  expect([...wide]).toEqual([...f32]);
});

test('bytes at an odd address convert like any others', () => {
  const values = Float32Array.of(1, -2.5, 65504, 1e-7);
  for (const format of ['F64', 'F32', 'F16', 'BF16'] as const) {
    const size = byteLengthOf(format, [4])!;
    const odd = new Uint8Array(size + 1).subarray(1);
    encodeFloats(format, values, odd);
    const even = new Uint8Array(size);
    encodeFloats(format, values, even);
    expect([...odd]).toEqual([...even]);
    expect([...decoded(format, odd, 4)]).toEqual([...decoded(format, even, 4)]);
  }
});

test('sizes are whole bytes or nothing', () => {
  expect(elementCount([])).toBe(1);
  expect(elementCount([3, 0, 5])).toBe(0);
  expect(elementCount([2 ** 30, 2 ** 30])).toBeUndefined();
  expect(byteLengthOf('F64', [2, 3])).toBe(48);
  expect(byteLengthOf('F4', [3])).toBeUndefined();
  expect(byteLengthOf('F6_E2M3', [4])).toBe(3);
  expect(byteLengthOf('F32', [2 ** 52])).toBeUndefined();
});
