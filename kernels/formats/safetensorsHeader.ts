/**
 * @file The JSON header of a safetensors file: name → dtype, shape, byte range; plus free text metadata. Strict: every byte
 * of the file belongs to exactly one tensor, so that nothing hides in gaps and no two tensors share bytes.
 */
import * as l10n from '@vscode/l10n';
import { KernelError, type Problem } from '../protocol/errors';
import { byteLengthOf, DTYPE_BITS, isDtype, type Dtype } from './dtype';
import { JsonCursor } from './jsonCursor';
import { describeJson, describeNext } from './jsonTree';

export interface TensorSpec {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
}

export interface TensorInfo extends TensorSpec {
  /** Of the first byte, counted from the start of the file. */
  readonly offset: number;
  readonly byteLength: number;
}

export interface SafetensorsHeader {
  /** In the order of their bytes, whatever the order in the header. */
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly metadata: ReadonlyMap<string, string>;
}

/** The reference reader refuses longer headers, so that a broken length does not allocate the machine's memory. */
export const MAX_HEADER_BYTES = 100_000_000;

const METADATA_KEY = '__metadata__';
const MAX_PROBLEMS = 50;

/**
 * Checks and reads the header text of `file`, whose tensor bytes are [dataStart, fileBytes).
 * Throws `format/invalid` with all mistakes (the first 50), each naming its tensor; all tensors beyond the end of the file
 * are one.
 */
export function parseHeader(text: string, file: string, dataStart: number, fileBytes: number): SafetensorsHeader {
  const problems = new Problems(file);
  const metadata = new Map<string, string>();
  const tensors: TensorInfo[] = [];
  const cursor = new JsonCursor(text, file);
  readJson(file, () => {
    cursor.object((name) => {
      if (LONE_SURROGATE.test(name)) {
        cursor.ignore();
        problems.add(name, l10n.t('the name is not valid Unicode'), l10n.t('expected a name in UTF-8'));
      } else if (name === METADATA_KEY) readMetadata(cursor, metadata, problems);
      else {
        const tensor = readTensor(name, cursor, dataStart, fileBytes - dataStart, problems);
        if (tensor) tensors.push(tensor);
      }
    });
    cursor.end();
  });
  problems.throwIfAny();
  tensors.sort((a, b) => a.offset - b.offset || a.byteLength - b.byteLength);
  checkCoverage(tensors, dataStart, fileBytes, problems);
  problems.throwIfAny();
  return { tensors: new Map(tensors.map((tensor) => [tensor.name, tensor])), metadata };
}

/** The complete beginning of a file whose tensors follow in the given order: length, header, padding to 8 bytes. */
export function encodeHeader(
  file: string,
  specs: readonly TensorSpec[],
  metadata: ReadonlyMap<string, string>,
): { readonly bytes: Uint8Array; readonly tensors: readonly TensorInfo[] } {
  const problems = new Problems(file);
  const members: string[] = [];
  if (metadata.size > 0) members.push(`"${METADATA_KEY}":${JSON.stringify(Object.fromEntries(metadata))}`);
  if (LONE_SURROGATE.test([...metadata].flat().join(' '))) {
    problems.add(METADATA_KEY, l10n.t('a text is not valid Unicode'), l10n.t('expected UTF-8'));
  }
  const relative: TensorInfo[] = [];
  const names = new Set<string>();
  let end = 0;
  for (const { name, dtype, shape } of specs) {
    const byteLength = shape.every(isDimension) ? byteLengthOf(dtype, shape) : undefined;
    if (names.has(name) || name === METADATA_KEY || LONE_SURROGATE.test(name)) {
      problems.add(name, l10n.t('this name cannot be written'), l10n.t('expected different names in UTF-8'));
    } else if (byteLength === undefined) {
      problems.add(
        name,
        l10n.t('{0} {1} has no whole number of bytes', dtype, shapeText(shape)),
        l10n.t('expected a shape that has one'),
      );
    } else {
      relative.push({ name, dtype, shape, offset: end, byteLength });
      const entry = { dtype, shape, data_offsets: [end, end + byteLength] };
      members.push(`${JSON.stringify(name)}:${JSON.stringify(entry)}`);
      end += byteLength;
    }
    names.add(name);
  }
  const json = Buffer.from(`{${members.join(',')}}`, 'utf8');
  const padded = Math.ceil(json.length / 8) * 8;
  if (padded > MAX_HEADER_BYTES)
    problems.add(undefined, l10n.t('a header of {0} bytes', padded), l10n.t('expected at most 100 MB'));
  problems.throwIfAny();
  const bytes = Buffer.alloc(8 + padded, ' ');
  bytes.writeBigUInt64LE(BigInt(padded), 0);
  json.copy(bytes, 8);
  return { bytes, tensors: relative.map((tensor) => ({ ...tensor, offset: tensor.offset + bytes.length })) };
}

/** The order in which the reference writer stores tensors: widest type first, then by name. */
export function canonicalOrder<T extends TensorSpec>(specs: readonly T[]): T[] {
  const rank = new Map(Object.keys(DTYPE_BITS).map((dtype, index) => [dtype, index]));
  const keyed = specs.map((spec) => ({ spec, rank: rank.get(spec.dtype) ?? 0, utf8: Buffer.from(spec.name, 'utf8') }));
  keyed.sort((a, b) => b.rank - a.rank || Buffer.compare(a.utf8, b.utf8));
  return keyed.map(({ spec }) => spec);
}

/** `[8, 2048]`, for messages. */
export function shapeText(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`;
}

const LONE_SURROGATE = /\p{Surrogate}/u;

/** Lines of a text inside a binary file help nobody; characters of the header do. */
function readJson(file: string, read: () => void): void {
  try {
    read();
  } catch (error) {
    const syntax = KernelError.is(error, 'format/invalid') ? error.problems[0] : undefined;
    if (!syntax || syntax.where !== undefined) throw error;
    throw KernelError.invalid([headerProblem(file, syntax.found, syntax.expected)]);
  }
}

function headerProblem(file: string, found: string, expected: string): Problem {
  return { file, where: 'header', severity: 'error', found, expected };
}

function readMetadata(cursor: JsonCursor, metadata: Map<string, string>, problems: Problems): void {
  if (cursor.next === 'null') return void cursor.null();
  if (cursor.next !== 'object') {
    problems.add(METADATA_KEY, describeNext(cursor), l10n.t('expected an object of strings'));
    return;
  }
  cursor.object((key) => {
    const value = cursor.next === 'string' ? cursor.string() : undefined;
    if (value === undefined) {
      problems.add(
        METADATA_KEY,
        l10n.t('{0} is {1}', displayName(key), describeNext(cursor)),
        l10n.t('expected a string in UTF-8'),
      );
    } else if (LONE_SURROGATE.test(key)) {
      problems.add(METADATA_KEY, l10n.t('a key is not valid Unicode'), l10n.t('expected UTF-8'));
    } else if (LONE_SURROGATE.test(value)) {
      problems.add(
        METADATA_KEY,
        l10n.t('{0} is not valid Unicode', displayName(key)),
        l10n.t('expected a string in UTF-8'),
      );
    } else metadata.set(key, value);
  });
}

function readTensor(
  name: string,
  cursor: JsonCursor,
  dataStart: number,
  dataBytes: number,
  problems: Problems,
): TensorInfo | undefined {
  if (cursor.next !== 'object') {
    problems.add(name, describeNext(cursor), l10n.t('expected an object with dtype, shape and data_offsets'));
    return undefined;
  }
  const { dtype, shape, data_offsets: offsets } = readEntry(name, cursor, problems);
  if (!dtype || !shape || !offsets) return undefined;
  const [begin, end] = offsets;
  if (begin === undefined || end === undefined || offsets.length > 2) {
    problems.add(name, l10n.t('data_offsets has {0} numbers', offsets.length), l10n.t('expected two: begin and end'));
    return undefined;
  }
  const range = l10n.t('data_offsets {0}', shapeText(offsets));
  if (begin > end) {
    problems.add(name, l10n.t('{0} end before they begin', range), l10n.t('expected begin ≤ end'));
    return undefined;
  }
  if (end > dataBytes) {
    problems.addBeyondEnd(name, l10n.t('{0}, but the file holds {1} bytes of tensors', range, dataBytes));
    return undefined;
  }
  const byteLength = byteLengthOf(dtype, shape);
  if (byteLength !== end - begin) {
    const expected =
      byteLength === undefined
        ? l10n.t('expected a shape with a whole number of bytes below 2⁵³; {0} {1} has none', dtype, shapeText(shape))
        : l10n.t('expected {0} bytes for {1} {2}', byteLength, dtype, shapeText(shape));
    problems.add(name, l10n.t('{0} are {1} bytes', range, end - begin), expected);
    return undefined;
  }
  return { name, dtype, shape, offset: dataStart + begin, byteLength };
}

interface Entry {
  dtype?: Dtype;
  shape?: number[];
  data_offsets?: number[];
}

/** The three fields of a tensor; what is wrong with one of them is reported and leaves it out. Others are read over. */
function readEntry(name: string, cursor: JsonCursor, problems: Problems): Entry {
  const entry: Entry = {};
  const seen = new Set<string>();
  cursor.object((field) => {
    seen.add(field);
    if (field === 'dtype') {
      const dtype = readDtype(name, cursor, problems);
      if (dtype) entry.dtype = dtype;
    } else if (field === 'shape' || field === 'data_offsets') {
      const numbers = readIntegers(name, field, cursor, problems);
      if (numbers) entry[field] = numbers;
    } else cursor.ignore();
  });
  for (const [field, expected] of [
    ['dtype', l10n.t('one of {0}', DTYPE_NAMES)],
    ['shape', WHOLE_NUMBERS],
    ['data_offsets', WHOLE_NUMBERS],
  ] as const) {
    if (!seen.has(field)) problems.add(name, l10n.t('{0} is missing', field), l10n.t('expected {0}', expected));
  }
  return entry;
}

const DTYPE_NAMES = Object.keys(DTYPE_BITS).join(' ');
const WHOLE_NUMBERS = l10n.t('whole numbers from 0 to 2⁵³ − 1 in a list');
/** As in NumPy and PyTorch; no reader could make a tensor of more. */
const MAX_DIMENSIONS = 64;

function readDtype(name: string, cursor: JsonCursor, problems: Problems): Dtype | undefined {
  const value = cursor.next === 'string' ? cursor.string() : undefined;
  if (value !== undefined && isDtype(value)) return value;
  const found = value === undefined ? describeNext(cursor) : describeJson({ kind: 'string', value });
  problems.add(name, l10n.t('dtype is {0}', found), l10n.t('expected one of {0}', DTYPE_NAMES));
  return undefined;
}

/** The numbers of a list, or a problem. A list of any length is read over at the cost of its first numbers. */
function readIntegers(name: string, field: string, cursor: JsonCursor, problems: Problems): number[] | undefined {
  if (cursor.next !== 'array') {
    problems.add(name, l10n.t('{0} is {1}', field, describeNext(cursor)), l10n.t('expected {0}', WHOLE_NUMBERS));
    return undefined;
  }
  const numbers: number[] = [];
  let count = 0;
  let wrong: string | undefined;
  cursor.array(() => {
    count++;
    if (wrong !== undefined || count > MAX_DIMENSIONS) return cursor.ignore();
    const text = cursor.next === 'number' ? cursor.number() : undefined;
    const value = text !== undefined && /^\d+$/.test(text) ? Number(text) : NaN;
    if (isDimension(value)) numbers.push(value);
    else wrong = text === undefined ? describeNext(cursor) : describeJson({ kind: 'number', text });
  });
  if (wrong !== undefined)
    problems.add(name, l10n.t('{0} holds {1}', field, wrong), l10n.t('expected {0}', WHOLE_NUMBERS));
  else if (count > MAX_DIMENSIONS) {
    problems.add(name, l10n.t('{0} has {1} numbers', field, count), l10n.t('expected at most {0}', MAX_DIMENSIONS));
  } else return numbers;
  return undefined;
}

function isDimension(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

/** `tensors` sorted by offset. They must follow each other without gap or overlap from `dataStart` to `fileBytes`. */
function checkCoverage(tensors: readonly TensorInfo[], dataStart: number, fileBytes: number, problems: Problems): void {
  let end = dataStart;
  let last = l10n.t('the header');
  for (const { name, offset, byteLength } of tensors) {
    if (offset > end) {
      problems.add(
        name,
        l10n.t('{0} unused bytes before it', offset - end),
        l10n.t('expected it to begin where {0} ends', last),
      );
    } else if (offset < end) {
      problems.add(
        name,
        l10n.t('it begins {0} bytes before the end of {1}', end - offset, last),
        l10n.t('expected tensors not to overlap'),
      );
    }
    if (offset + byteLength >= end) {
      end = offset + byteLength;
      last = displayName(name);
    }
  }
  if (end < fileBytes)
    problems.add(
      undefined,
      l10n.t('{0} unused bytes after {1}', fileBytes - end, last),
      l10n.t('expected the file to end'),
    );
}

/** Names come from the file: control characters and endless ones must not reach a terminal. */
function displayName(name: string): string {
  const short = name.length > 200 ? `${name.slice(0, 200)}…` : name;
  return /[\p{Cc}\p{Cf}\p{Surrogate}]/u.test(short) || short === '' ? JSON.stringify(short) : short;
}

class Problems {
  readonly #list: Problem[] = [];
  #beyondEnd: { readonly place: number; readonly first: Problem; count: number } | undefined;

  constructor(private readonly file: string) {}

  /** A file that was cut off has lost the bytes of many tensors: told once, with the first of them. */
  addBeyondEnd(name: string, found: string): void {
    if (this.#beyondEnd) {
      this.#beyondEnd.count++;
      return;
    }
    const place = this.#list.length;
    this.add(name, found, l10n.t('is the file cut off?'));
    const first = this.#list[place];
    if (first) this.#beyondEnd = { place, first, count: 1 };
  }

  /** Ends the reading when there are very many: a header of nothing but mistakes can hold millions. */
  add(name: string | undefined, found: string, expected: string): void {
    const where = name === undefined ? 'header' : displayName(name);
    this.#list.push({ ...headerProblem(this.file, found, expected), where });
    if (this.#list.length < MAX_PROBLEMS) return;
    this.#list.push(
      headerProblem(
        this.file,
        l10n.t('{0} problems', MAX_PROBLEMS),
        l10n.t('expected none; the rest was not looked at'),
      ),
    );
    this.throwIfAny();
  }

  throwIfAny(): void {
    if (this.#beyondEnd && this.#beyondEnd.count > 1) {
      const { place, first, count } = this.#beyondEnd;
      const found = l10n.t('{0}, beyond which {1} tensors end', first.found, count);
      this.#list[place] = { ...first, found };
    }
    if (this.#list.length > 0) throw KernelError.invalid(this.#list);
  }
}
