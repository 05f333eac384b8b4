/** @file Safetensors files: round trips, files of the reference writer, rare but legal ones, broken and hostile ones. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { byteLengthOf, bytesOf, DTYPE_BITS, type Dtype } from '../../../kernels/formats/dtype';
import { openSafetensors, type SafetensorsFile, type TensorSpec } from '../../../kernels/formats/safetensors';
import { canonicalOrder } from '../../../kernels/formats/safetensorsHeader';
import { SafetensorsWriter } from '../../../kernels/formats/safetensorsWriter';
import { KernelError } from '../../../kernels/protocol/errors';

const golden = join(import.meta.dirname, '../../golden');
let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'safetensors-'));
  path = join(folder, 'x.safetensors');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A file of the given header (an object or literal text) and as many tensor bytes, counting up. */
function writeRaw(header: unknown, dataBytes: number, padding = ''): void {
  const text = Buffer.from((typeof header === 'string' ? header : JSON.stringify(header)) + padding, 'utf8');
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const data = Buffer.from(Array.from({ length: dataBytes }, (_, i) => i & 0xff));
  writeFileSync(path, Buffer.concat([length, text, data]));
}

function reading<T>(use: (file: SafetensorsFile) => T): T {
  const file = openSafetensors(path);
  try {
    return use(file);
  } finally {
    file.close();
  }
}

/** The message of the refusal, or `undefined` when the file was read. */
function refusal(): string | undefined {
  try {
    reading((file) => file.tensors.size);
  } catch (error) {
    if (KernelError.is(error, 'format/invalid') && error.problems.length > 0) return error.message;
    throw error;
  }
  return undefined;
}

function sameBytes(a: Float32Array, b: Float32Array): boolean {
  return Buffer.compare(bytesOf(a), bytesOf(b)) === 0;
}

const specs = fc.uniqueArray(
  fc.record({
    name: fc.string({ unit: 'grapheme', maxLength: 12 }).filter((name) => name !== '__metadata__'),
    dtype: fc.constantFrom(...(Object.keys(DTYPE_BITS) as Dtype[])),
    shape: fc.array(fc.integer({ min: 0, max: 8 }), { maxLength: 3 }),
  }),
  { selector: (spec) => spec.name, maxLength: 8 },
);
const metadata = fc.dictionary(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), { maxKeys: 3 });

describe('round trip', () => {
  test('any tensors come back with their names, types, shapes, bytes and metadata', () => {
    fc.assert(
      fc.property(specs, metadata, (all, texts) => {
        const tensors = all.filter(({ dtype, shape }) => byteLengthOf(dtype, shape) !== undefined);
        const bytes = new Map(tensors.map((t, i) => [t.name, Buffer.alloc(byteLengthOf(t.dtype, t.shape)!, i + 1)]));
        const writer = SafetensorsWriter.create(path, tensors, { metadata: new Map(Object.entries(texts)) });
        for (const { name } of [...tensors].reverse()) {
          const whole = bytes.get(name)!;
          writer.write(name, whole.subarray(0, whole.length >> 1));
          writer.write(name, whole.subarray(whole.length >> 1));
        }
        writer.commit();
        reading((file) => {
          expect([...file.tensors.keys()].sort()).toEqual(tensors.map((t) => t.name).sort());
          expect(Object.fromEntries(file.metadata)).toEqual(texts);
          for (const { name, dtype, shape } of tensors) {
            expect(file.tensors.get(name)).toMatchObject({ name, dtype, shape });
            expect(Buffer.compare(file.readBytes(name), bytes.get(name)!)).toBe(0);
          }
        });
      }),
      { numRuns: 100 },
    );
  });

  test.each(['cases/02-lora-llama-qv/adapter_final', 'cases/02-rslora-llama/adapter_final'])(
    'rewriting %s, made by the reference writer, gives the same bytes',
    (name) => {
      const source = join(golden, name, 'adapter_model.safetensors');
      const original = openSafetensors(source);
      const writer = SafetensorsWriter.create(path, canonicalOrder([...original.tensors.values()].reverse()), {
        metadata: original.metadata,
      });
      for (const tensor of original.tensors.keys()) writer.writeF32(tensor, original.readF32(tensor));
      writer.commit();
      original.close();
      expect(Buffer.compare(readFileSync(path), readFileSync(source))).toBe(0);
    },
  );

  test('values written as 16-bit types are rounded, across several pieces', () => {
    const count = 1_300_000;
    const values = Float32Array.from({ length: count }, (_, i) => i / 1024);
    const shape = [1300, 1000];
    const writer = SafetensorsWriter.create(path, [
      { name: 'half', dtype: 'F16', shape },
      { name: 'brain', dtype: 'BF16', shape },
      { name: 'double', dtype: 'F64', shape },
    ]);
    for (const name of ['double', 'half', 'brain']) writer.writeF32(name, values);
    writer.commit();
    reading((file) => {
      expect(sameBytes(file.readF32('double'), values)).toBe(true);
      const worst = (name: string): number =>
        file.readF32(name).reduce((most, v, i) => Math.max(most, Math.abs(v - values[i]!) / (values[i]! || 1)), 0);
      expect(worst('half')).toBeLessThanOrEqual(2 ** -11);
      expect(worst('brain')).toBeLessThanOrEqual(2 ** -8);
      const rows = file.readF32('half', { rows: [700, 1299] });
      expect(sameBytes(rows, file.readF32('half').subarray(700_000, 1_299_000))).toBe(true);
      expect(file.readF32('half', { rows: [3, 3] }).length).toBe(0);
      const into = new Float32Array(count + 5);
      const filled = file.readF32('double', { into });
      expect([filled.buffer === into.buffer, sameBytes(filled, values)]).toEqual([true, true]);
      expect(() => file.readF32('double', { into: into.subarray(10) })).toThrow(KernelError);
    });
  });

  test('a file with a tensor that was not filled is never committed', () => {
    const writer = SafetensorsWriter.create(path, [{ name: 'w', dtype: 'F32', shape: [2] }]);
    writer.write('w', new Uint8Array(4));
    expect(() => writer.commit()).toThrow(/w has 4 of 8 bytes/);
    expect(() => writer.write('w', new Uint8Array(5))).toThrow(/9 bytes for 8/);
    writer.abort();
    expect(() => openSafetensors(path)).toThrow(/no such file/);
  });

  test.each([
    [[{ name: 'a', dtype: 'F4', shape: [3] }]],
    [[{ name: 'a', dtype: 'F32', shape: [1.5] }]],
    [[{ name: '__metadata__', dtype: 'F32', shape: [] }]],
    [
      [
        { name: 'a', dtype: 'F32', shape: [] },
        { name: 'a', dtype: 'F32', shape: [] },
      ],
    ],
  ] as const)('tensors that no reader would accept are not written: %j', (tensors) => {
    expect(() => SafetensorsWriter.create(path, tensors as readonly TensorSpec[])).toThrow(KernelError);
  });
});

describe('legal but rare', () => {
  test('no tensors at all, with and without metadata', () => {
    writeRaw('{}', 0);
    expect(reading((file) => file.tensors.size)).toBe(0);
    writeRaw('{"__metadata__":null}', 0);
    expect(reading((file) => file.metadata.size)).toBe(0);
  });

  test('scalars, empty tensors, any order, an unaligned header, spaces behind it, unknown fields', () => {
    writeRaw(
      '{"z":{"shape":[],"data_offsets":[8,12],"dtype":"F32","note":1},' +
        '"\\u0061":{"dtype":"I64","shape":[1],"data_offsets":[0,8]},' +
        '"empty":{"dtype":"BF16","shape":[3,0],"data_offsets":[12,12]},' +
        '"first":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}',
      12,
      '   ',
    );
    reading((file) => {
      expect([...file.tensors.keys()]).toEqual(['first', 'a', 'z', 'empty']);
      expect([...file.readBytes('z')]).toEqual([8, 9, 10, 11]);
      expect(file.readF32('z').length).toBe(1);
      expect(file.readF32('empty').length).toBe(0);
      expect([...file.readBytes('a', new Uint8Array(100))]).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
      expect([...file.readRange('a', 3, new Uint8Array(2))]).toEqual([3, 4]);
      expect(() => file.readF32('a')).toThrow(/a: I64 weights; expected F32/);
      expect(() => file.readBytes('b')).toThrow(/b: there is no such tensor/);
    });
  });

  test('a tensor is found at its absolute offset in the file', () => {
    writeRaw({ a: { dtype: 'U8', shape: [3], data_offsets: [0, 3] } }, 3);
    const { offset, byteLength } = reading((file) => file.tensor('a'));
    expect([...readFileSync(path).subarray(offset, offset + byteLength)]).toEqual([0, 1, 2]);
  });
});

describe('refused', () => {
  const f32 = (begin: number, end: number, shape: unknown = [(end - begin) / 4]): unknown => ({
    dtype: 'F32',
    shape,
    data_offsets: [begin, end],
  });

  test.each<[name: string, header: unknown, dataBytes: number, message: RegExp]>([
    ['a gap', { a: f32(0, 4), b: f32(8, 12) }, 12, /b: 4 unused bytes before it; .* where a ends/],
    ['a gap at the start', { a: f32(4, 8) }, 8, /a: 4 unused bytes before it; .* where the header ends/],
    ['an overlap', { a: f32(0, 8), b: f32(4, 12) }, 12, /b: it begins 4 bytes before the end of a/],
    ['bytes after the last tensor', { a: f32(0, 4) }, 5, /header: 1 unused bytes after a/],
    ['bytes without any tensor', {}, 1, /header: 1 unused bytes after the header/],
    ['a range behind the end', { a: f32(0, 8) }, 4, /a: .*the file holds 4 bytes of tensors; is the file cut off/],
    ['a range that runs backwards', { a: f32(8, 4, [1]) }, 8, /a: .* end before they begin/],
    ['a size that does not match', { a: f32(0, 8, [3]) }, 8, /a: .* are 8 bytes; expected 12 bytes for F32 \[3\]/],
    ['a negative dimension', { a: f32(0, 4, [-1]) }, 4, /a: shape holds the number -1; expected whole numbers/],
    ['a fraction', '{"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}}', 4, /a: shape holds the number 1\.0/],
    ['an exponent', '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4e0]}}', 4, /data_offsets holds the number 4e0/],
    ['a product that overflows', { a: f32(0, 4, [2 ** 40, 2 ** 40]) }, 4, /a: .*below 2⁵³/],
    [
      'a number beyond 64 bits',
      `{"a":{"dtype":"F32","shape":[${'9'.repeat(400)}],"data_offsets":[0,4]}}`,
      4,
      /999…; expected/,
    ],
    ['half a byte', { a: { dtype: 'F4', shape: [1], data_offsets: [0, 1] } }, 1, /a: .*whole number of bytes/],
    [
      'an unknown type',
      { a: { dtype: 'F31', shape: [1], data_offsets: [0, 4] } },
      4,
      /a: dtype is the string "F31"; .*F32/,
    ],
    ['a type from the prototype', { a: { dtype: 'toString', shape: [1], data_offsets: [0, 4] } }, 4, /dtype is/],
    ['a missing shape', { a: { dtype: 'F32', data_offsets: [0, 4] } }, 4, /a: shape is missing/],
    ['three offsets', { a: { dtype: 'F32', shape: [1], data_offsets: [0, 4, 8] } }, 4, /a: data_offsets has 3 numbers/],
    ['a tensor that is a list', { a: [] }, 0, /a: a list of 0; expected an object/],
    ['metadata that is no text', { __metadata__: { format: 1 } }, 0, /__metadata__: format is the number 1/],
    ['a repeated name', `{"a":${JSON.stringify(f32(0, 4))},"a":${JSON.stringify(f32(0, 4))}}`, 4, /"a" is repeated/],
    ['a list', '[]', 0, /does not begin with \{/],
    ['broken JSON', '{"a"}', 0, /header: found .* expected ':'/],
    ['spaces in front', ' {}', 0, /does not begin with \{/],
    ['a lone surrogate', '{"\\ud800":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', 4, /not valid Unicode/],
  ])('%s', (_, header, dataBytes, message) => {
    writeRaw(header, dataBytes);
    expect(refusal()).toMatch(message);
  });

  test('a header that is not UTF-8', () => {
    writeFileSync(path, Buffer.from([3, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0xff, 0x7d]));
    expect(refusal()).toMatch(/not UTF-8/);
  });

  test.each([
    ['shorter than its length field', Buffer.alloc(5)],
    ['a length beyond the file', Buffer.from([200, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0x7d])],
    ['a length beyond all files', Buffer.alloc(16, 0xff)],
    ['an empty header', Buffer.alloc(8)],
  ])('%s', (_, bytes) => {
    writeFileSync(path, bytes);
    expect(refusal()).toBeDefined();
  });

  test('all mistakes of a file at once, names made printable', () => {
    writeRaw({ 'bad\u001b[31m': { dtype: 'X' }, long: f32(0, 8, [1]), list: 3 }, 8);
    const message = refusal()!;
    expect(message.split('\n')).toHaveLength(5);
    expect(message).toContain('"bad\\u001b[31m"');
  });

  test('a file that does not exist and a folder are refused input', () => {
    for (const place of [join(folder, 'none'), folder]) {
      expect(() => openSafetensors(place)).toThrow(KernelError);
    }
  });

  test('tensors beyond the end of the file are one problem that counts them', () => {
    const tensor = (begin: number) => ({ dtype: 'F32', shape: [1], data_offsets: [begin, begin + 4] });
    writeRaw({ a: tensor(0), b: tensor(4), c: tensor(8), d: { ...tensor(12), shape: [2] }, e: { dtype: 'F32' } }, 6);
    expect(
      refusal()
        ?.split('\n')
        .map((line) => line.slice(path.length + 2)),
    ).toEqual([
      'b: data_offsets [4, 8], but the file holds 6 bytes of tensors, beyond which 3 tensors end; is the file cut off?',
      'e: shape is missing; expected whole numbers from 0 to 2⁵³ − 1 in a list',
      'e: data_offsets is missing; expected whole numbers from 0 to 2⁵³ − 1 in a list',
    ]);
  });

  test('a file cut off after it was opened is noticed when read', () => {
    writeRaw({ a: { dtype: 'U8', shape: [100], data_offsets: [0, 100] } }, 100);
    const file = openSafetensors(path);
    writeFileSync(path, '');
    expect(() => file.readBytes('a')).toThrow(/the file ends at byte/);
    file.close();
    file.close();
    expect(() => file.readBytes('a')).toThrow(/closed/);
  });
});

test('mutated files are read or refused, never anything else', () => {
  const tensors: TensorSpec[] = [
    { name: 'model.layers.0.q_proj.lora_A.weight', dtype: 'F32', shape: [2, 8] },
    { name: 'model.layers.0.q_proj.lora_B.weight', dtype: 'BF16', shape: [8, 2] },
    { name: 'scalar', dtype: 'I64', shape: [] },
    { name: 'empty', dtype: 'U8', shape: [0, 3] },
  ];
  const writer = SafetensorsWriter.create(path, tensors, { metadata: new Map([['format', 'pt']]) });
  for (const { name, dtype, shape } of tensors) writer.write(name, new Uint8Array(byteLengthOf(dtype, shape)!));
  writer.commit();
  const source = readFileSync(path);
  const headerEnd = 8 + Number(source.readBigUInt64LE());
  let accepted = 0;
  const mutation = fc.oneof(
    // Inside the header, most often a character that JSON gives a meaning to.
    fc.record({
      kind: fc.constantFrom('replace' as const, 'insert' as const),
      at: fc.integer({ min: 0, max: headerEnd - 1 }),
      byte: fc.oneof(
        fc.constantFrom(...Buffer.from('0123456789-.eE"{}[],:\\ \u0000FIB')),
        fc.integer({ min: 0, max: 255 }),
      ),
    }),
    fc.record({
      kind: fc.constant('cut' as const),
      at: fc.integer({ min: 0, max: source.length }),
      byte: fc.constant(0),
    }),
    fc.record({ kind: fc.constant('drop' as const), at: fc.integer({ min: 0, max: headerEnd }), byte: fc.constant(0) }),
  );
  fc.assert(
    fc.property(fc.array(mutation, { minLength: 1, maxLength: 4 }), fc.boolean(), (mutations, fixLength) => {
      let header = source.subarray(0, headerEnd);
      let tail = source.subarray(headerEnd);
      for (const { kind, at, byte } of mutations) {
        const [before, after] = [header.subarray(0, at), header.subarray(kind === 'insert' ? at : at + 1)];
        if (kind === 'drop') header = Buffer.concat([before, after]);
        else if (kind !== 'cut') header = Buffer.concat([before, Buffer.of(byte), after]);
        else if (at < headerEnd) header = before;
        else tail = tail.subarray(0, at - headerEnd);
      }
      const mutated = Buffer.concat([header, tail]);
      if (fixLength && header.length >= 8) mutated.writeBigUInt64LE(BigInt(header.length - 8));
      rmSync(path); // some file systems flush a file to disk when it is truncated and written again
      writeFileSync(path, mutated);
      if (refusal() === undefined) {
        accepted++;
        reading((file) => [...file.tensors.keys()].forEach((name) => file.readBytes(name)));
      }
    }),
    { numRuns: 3000 },
  );
  expect(accepted).toBeGreaterThan(0);
});
