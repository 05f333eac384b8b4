/** @file Reads GGUF (version 2 and 3, little endian): key-value facts and tensors, which are handed out as float32. */

/** Numbers of the on-disk value types, https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. */
const STRING = 8;
const ARRAY = 9;

/** Tensor types we know: name, values in a block, bytes of a block. */
const TENSOR_TYPES: Readonly<
  Record<number, { readonly name: string; readonly values: number; readonly bytes: number }>
> = {
  0: { name: 'F32', values: 1, bytes: 4 },
  1: { name: 'F16', values: 1, bytes: 2 },
  3: { name: 'Q4_1', values: 32, bytes: 20 },
  8: { name: 'Q8_0', values: 32, bytes: 34 },
};

export type GgufValue = number | bigint | boolean | string | readonly GgufValue[];

export interface GgufTensor {
  readonly name: string;
  /** Slowest axis first, as in safetensors (GGUF itself stores the fastest first). */
  readonly shape: readonly number[];
  readonly type: string;
  readonly bytes: Buffer;
}

export interface Gguf {
  readonly facts: ReadonlyMap<string, GgufValue>;
  readonly tensors: readonly GgufTensor[];
}

/** Parses a whole file held in memory. Throws on another magic, version, value type or tensor type. */
export function parseGguf(file: Buffer): Gguf {
  const reader = new Reader(file);
  const magic = file.toString('latin1', 0, 4);
  reader.at = 4;
  const version = reader.u32();
  if (magic !== 'GGUF' || (version !== 2 && version !== 3)) {
    throw new Error(`magic ${JSON.stringify(magic)}, version ${version}; expected GGUF version 2 or 3`);
  }
  const tensorCount = reader.u64();
  const factCount = reader.u64();
  const facts = new Map<string, GgufValue>();
  for (let i = 0; i < factCount; i++) {
    const key = reader.string();
    facts.set(key, reader.value(reader.u32()));
  }
  const headers = Array.from({ length: tensorCount }, () => readTensorHeader(reader));
  const alignment = Number(facts.get('general.alignment') ?? 32);
  const start = Math.ceil(reader.at / alignment) * alignment;
  const tensors = headers.map(({ offset, sizeBytes, ...tensor }) => ({
    ...tensor,
    bytes: file.subarray(start + offset, start + offset + sizeBytes),
  }));
  return { facts, tensors };
}

/** A fact that must be a number. */
export function numberFact({ facts }: Gguf, key: string): number {
  const value = facts.get(key);
  if (typeof value !== 'number' && typeof value !== 'bigint')
    throw new Error(`GGUF fact ${key} is ${typeof value}, not a number`);
  return Number(value);
}

/** A fact that must be a string. */
export function stringFact({ facts }: Gguf, key: string): string {
  const value = facts.get(key);
  if (typeof value !== 'string') throw new Error(`GGUF fact ${key} is ${typeof value}, not a string`);
  return value;
}

/** A fact that must be a list, its entries as they are. */
export function listFact({ facts }: Gguf, key: string): readonly GgufValue[] {
  const value = facts.get(key);
  if (!Array.isArray(value)) throw new Error(`GGUF fact ${key} is ${typeof value}, not a list`);
  return value as readonly GgufValue[];
}

function readTensorHeader(reader: Reader) {
  const name = reader.string();
  const shape = Array.from({ length: reader.u32() }, () => reader.u64()).reverse();
  const typeNumber = reader.u32();
  const offset = reader.u64();
  const type = TENSOR_TYPES[typeNumber];
  if (!type) throw new Error(`${name} has GGUF tensor type ${typeNumber}; known are F32, F16, Q4_1, Q8_0`);
  const count = shape.reduce((product, n) => product * n, 1);
  return { name, shape, type: type.name, offset, sizeBytes: (count / type.values) * type.bytes };
}

class Reader {
  at = 0;
  constructor(private readonly file: Buffer) {}

  u32(): number {
    this.at += 4;
    return this.file.readUInt32LE(this.at - 4);
  }

  u64(): number {
    this.at += 8;
    return Number(this.file.readBigUInt64LE(this.at - 8));
  }

  string(): string {
    const length = this.u64();
    this.at += length;
    return this.file.toString('utf8', this.at - length, this.at);
  }

  value(type: number): GgufValue {
    if (type === STRING) return this.string();
    if (type === ARRAY) {
      const element = this.u32();
      return Array.from({ length: this.u64() }, () => this.value(element));
    }
    return this.scalar(type);
  }

  private scalar(type: number): number | bigint | boolean {
    const { file, at } = this;
    const read: Readonly<Record<number, readonly [number, () => number | bigint | boolean]>> = {
      0: [1, () => file.readUInt8(at)],
      1: [1, () => file.readInt8(at)],
      2: [2, () => file.readUInt16LE(at)],
      3: [2, () => file.readInt16LE(at)],
      4: [4, () => file.readUInt32LE(at)],
      5: [4, () => file.readInt32LE(at)],
      6: [4, () => file.readFloatLE(at)],
      7: [1, () => file.readUInt8(at) !== 0],
      10: [8, () => file.readBigUInt64LE(at)],
      11: [8, () => file.readBigInt64LE(at)],
      12: [8, () => file.readDoubleLE(at)],
    };
    const entry = read[type];
    if (!entry) throw new Error(`GGUF value type ${type} at byte ${at} is unknown`);
    this.at += entry[0];
    return entry[1]();
  }
}
