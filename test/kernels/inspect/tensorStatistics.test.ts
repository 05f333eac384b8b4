/** @file What is said about the values of a tensor: statistics, and NaN and infinity in every type that has them. */
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytesOf, decodeFloats, DTYPE_BITS, type Dtype } from '../../../kernels/formats/dtype';
import { openSafetensors } from '../../../kernels/formats/safetensors';
import { SafetensorsWriter } from '../../../kernels/formats/safetensorsWriter';
import { findNonFinite } from '../../../kernels/formats/nonFinite';
import { tensorFacts, tensorStatistics } from '../../../kernels/inspect/tensorStatistics';
import { temporaryFolder } from '../../support/tinyModel';

const folder = temporaryFolder();

async function withTensor<T>(
  dtype: Dtype,
  bytes: Uint8Array,
  use: (file: ReturnType<typeof openSafetensors>) => Promise<T>,
): Promise<T> {
  const file = path.join(folder, 't.safetensors');
  const writer = SafetensorsWriter.create(file, [
    { name: 't', dtype, shape: [(8 * bytes.length) / DTYPE_BITS[dtype]] },
  ]);
  writer.write('t', bytes);
  writer.commit();
  const opened = openSafetensors(file);
  try {
    return await use(opened);
  } finally {
    opened.close();
  }
}

const statistics = (dtype: Dtype, bytes: Uint8Array) => withTensor(dtype, bytes, (f) => tensorStatistics(f, 't'));
const nonFinite = (dtype: Dtype, bytes: Uint8Array) => withTensor(dtype, bytes, (f) => findNonFinite(f, 't'));

describe('statistics', () => {
  test('are those of the finite values', async () => {
    const values = Float32Array.of(NaN, 1, -2, 0, 5, Infinity, -0);
    expect(await statistics('F32', bytesOf(values))).toEqual({
      count: 7,
      min: -2,
      max: 5,
      mean: 0.8,
      std: Math.sqrt((0.2 ** 2 + 2.8 ** 2 + 0.8 ** 2 * 2 + 4.2 ** 2) / 5),
      norm: Math.sqrt(30),
      zeros: 2,
      non_finite: 2,
      nan: 1,
      infinite: 1,
    });
  });

  test('equal those of two passes, also far from zero', async () => {
    const near = fc.double({ min: -1, max: 1, noNaN: true });
    await fc.assert(
      fc.asyncProperty(
        fc.array(near, { minLength: 1, maxLength: 50 }),
        fc.constantFrom(0, 1e6),
        async (given, offset) => {
          const values = Float64Array.from(given, (v) => v + offset);
          const mean = values.reduce((s, v) => s + v, 0) / values.length;
          const std = Math.sqrt(values.reduce((s, v) => s + (v - mean) ** 2, 0) / values.length);
          const found = await statistics('F64', bytesOf(values));
          expect(found.mean).toBeCloseTo(mean, 8);
          expect(found.std).toBeCloseTo(std, 6);
        },
      ),
      { numRuns: 30 },
    );
  });

  test.each([
    ['F16', Uint8Array.of(0, 0x3c, 0, 0xc0), [-2, 1]],
    ['BF16', Uint8Array.of(0x80, 0x3f, 0, 0xc0), [-2, 1]],
    ['I8', Uint8Array.of(0xff, 3), [-1, 3]],
    ['U8', Uint8Array.of(0xff, 3), [3, 255]],
    ['BOOL', Uint8Array.of(1, 0), [0, 1]],
    ['I16', Uint8Array.of(0xfe, 0xff, 7, 0), [-2, 7]],
    ['U32', Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0), [0, 2 ** 32 - 1]],
    ['I64', new Uint8Array(BigInt64Array.of(-5n, 9n).buffer), [-5, 9]],
    ['U64', new Uint8Array(BigUint64Array.of(5n, 9n).buffer), [5, 9]],
  ] as const)('are read in %s', async (dtype, bytes, [min, max]) => {
    expect(await statistics(dtype, bytes)).toMatchObject({ count: 2, min, max, mean: (min + max) / 2 });
  });

  test('of no value are null', async () => {
    const none = { min: null, max: null, mean: null, std: null, norm: null };
    const counts = { count: 0, zeros: 0, non_finite: 0, nan: 0, infinite: 0 };
    expect(await statistics('F32', new Uint8Array())).toEqual({ ...none, ...counts });
  });

  test('of a tensor longer than one range', async () => {
    const values = Float32Array.from({ length: (9 << 20) / 4 }, (_, i) => (i === 2_000_000 ? -7 : 1));
    expect(await statistics('F32', bytesOf(values))).toMatchObject({ count: values.length, min: -7, max: 1 });
  });

  test('of packed types are refused', async () => {
    await expect(statistics('F4', Uint8Array.of(1, 2))).rejects.toThrow(/F4 values, for which there are no statistics/);
  });

  test('end when asked to', async () => {
    const signal = AbortSignal.abort();
    const reading = withTensor('F32', new Uint8Array(8), (f) => tensorStatistics(f, 't', signal));
    await expect(reading).rejects.toMatchObject({ code: 'cancelled' });
  });
});

describe('a histogram', () => {
  const counts = async (values: Float64Array, bins: number) =>
    (await withTensor('F64', bytesOf(values), (f) => tensorFacts(f, 't', bins))).histogram?.counts;

  test('counts each value once, the largest one in the last bin', async () => {
    const values = fc.array(fc.double({ min: -5, max: 5, noNaN: true }), { minLength: 1, maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(values, fc.integer({ min: 1, max: 20 }), async (given, bins) => {
        const found = await counts(Float64Array.from(given), bins);
        expect(found).toHaveLength(bins);
        expect(found?.reduce((sum, n) => sum + n, 0)).toBe(given.length);
      }),
      { numRuns: 30 },
    );
    expect(await counts(Float64Array.of(0, 1, 2, 3, 4), 4)).toEqual([1, 1, 1, 2]);
  });

  test('leaves out what is not finite, and holds values of one size and of any', async () => {
    expect(await counts(Float64Array.of(NaN, 2, 2, Infinity), 3)).toEqual([2, 0, 0]);
    const most = Number.MAX_VALUE;
    expect(await counts(Float64Array.of(NaN), 3)).toBeUndefined();
    expect(await counts(Float64Array.of(-most, 0, most), 3)).toEqual([1, 1, 1]);
  });
});

test('16-bit values are counted by their patterns, with the result of reading them one by one', async () => {
  const patterns = fc.uint16Array({ minLength: 1, maxLength: 200 });
  await fc.assert(
    fc.asyncProperty(patterns, fc.constantFrom<'F16' | 'BF16'>('F16', 'BF16'), async (given, dtype) => {
      const bytes = new Uint8Array(given.buffer, given.byteOffset, given.byteLength);
      const wide = new Float32Array(given.length);
      decodeFloats(dtype, bytes, wide);
      const counted = await withTensor(dtype, bytes, (f) => tensorFacts(f, 't', 7));
      const streamed = await withTensor('F32', bytesOf(wide), (f) => tensorFacts(f, 't', 7));
      const { mean, std, norm, ...exact } = streamed;
      expect(counted).toMatchObject(exact);
      // Added up in another order.
      const size = Math.max(Math.abs(streamed.min ?? 0), Math.abs(streamed.max ?? 0));
      const isNear = (a: number | null, b: number | null): boolean =>
        a === b || Math.abs((a ?? NaN) - (b ?? NaN)) <= 1e-6 * size;
      expect([isNear(counted.mean, mean), isNear(counted.std, std)]).toEqual([true, true]);
      expect((counted.norm ?? 0) / (norm || 1)).toBeCloseTo(norm ? 1 : 0, 9);
    }),
    { numRuns: 12 },
  );
});

describe('values that are not finite', () => {
  /** One NaN, one infinity and finite neighbours of both, by their bits; the NaN comes third. */
  const little = (bytes: number, ...words: readonly number[]): Uint8Array =>
    Uint8Array.from(words.flatMap((w) => Array.from({ length: bytes }, (_, i) => Math.floor(w / 256 ** i) % 256)));

  test.each([
    ['F32', little(4, 0x7f7fffff, 0xff7fffff, 0x7f800001, 0xff800000)],
    ['F16', little(2, 0x7bff, 0xfbff, 0x7c01, 0xfc00)],
    ['BF16', little(2, 0x7f7f, 0xff7f, 0x7f81, 0xff80)],
    ['F8_E5M2', little(1, 0x7b, 0xfb, 0x7d, 0xfc)],
    ['F64', bytesOf(Float64Array.of(Number.MAX_VALUE, -Number.MAX_VALUE, NaN, -Infinity))],
  ] as const)('%s: NaN and infinity are told apart from the largest numbers', async (dtype, bytes) => {
    expect(await nonFinite(dtype, bytes)).toEqual({ nan: 1, infinite: 1, first: 2 });
    expect(await nonFinite(dtype, bytes.slice(0, bytes.length / 2))).toBeNull();
  });

  test('a NaN of 64 bits may have its mark in the lower word', async () => {
    const bytes = new Uint8Array(BigUint64Array.of(0x7ff0000000000001n).buffer);
    expect(await nonFinite('F64', bytes)).toEqual({ nan: 1, infinite: 0, first: 0 });
  });

  test.each([
    ['F8_E4M3', 0x7f, 0x7e],
    ['F8_E4M3', 0xff, 0xfe],
    ['F8_E8M0', 0xff, 0xfe],
    ['F8_E4M3FNUZ', 0x80, 0x7f],
    ['F8_E5M2FNUZ', 0x80, 0xff],
  ] as const)('%s has one NaN, 0x%i, and no infinity', async (dtype, nan, largest) => {
    expect(await nonFinite(dtype, Uint8Array.of(largest, nan))).toEqual({ nan: 1, infinite: 0, first: 1 });
    expect(await nonFinite(dtype, Uint8Array.of(largest))).toBeNull();
  });

  test('a complex number is two values at one place', async () => {
    expect(await nonFinite('C64', bytesOf(Float32Array.of(0, 0, 1, NaN)))).toEqual({ nan: 1, infinite: 0, first: 1 });
  });

  test('whole numbers have none', async () => {
    expect(await nonFinite('I32', Uint8Array.of(0xff, 0xff, 0x80, 0x7f))).toBeNull();
  });

  test('are found in a later range, at their place in the whole', async () => {
    const values = new Float32Array((9 << 20) / 4);
    values[2_000_000] = Infinity;
    expect(await nonFinite('F32', bytesOf(values))).toEqual({ nan: 0, infinite: 1, first: 2_000_000 });
  });
});
