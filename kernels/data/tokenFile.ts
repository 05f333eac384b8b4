/**
 * @file A tokenised data set on disk. Samples come first, one behind the other: token ids (two bytes each where the
 * vocabulary allows) and one bit for each (whether it carries loss; of labelled samples, which text it is of); then columns with a number for each sample; then a JSON footer with
 * the places of the columns, its length, and a mark. Little-endian, as all machines this runs on.
 */
import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';
import { AtomicFile } from '../formats/atomicFile';
import { growingFloat64, growingInt32 } from '../util/columns';
import type { TokenSample } from './batches';

/** Changes whenever the same samples would be written in another form. */
export const TOKEN_FILE_VERSION = 3;
const MARK = 'ASTOKENS';
const FOOTER_TAIL_BYTES = 4 + MARK.length;
const WRITE_BYTES = 1 << 20;

/** Where a sample came from. */
export interface SamplePlace {
  /** Position in the list of files. */
  readonly file: number;
  readonly line: number;
  readonly offset: number;
  readonly size: number;
}

/** What is known of the whole set; plain JSON. */
export interface TokenSetInfo {
  readonly format: string;
  readonly skipped: Readonly<Record<string, number>>;
  readonly truncated: number;
  /** Of labelled samples: the names of the classes by their place; empty where labels are numbers to be predicted. */
  readonly labels?: readonly string[];
}

interface Footer extends TokenSetInfo {
  readonly version: number;
  readonly idBytes: 2 | 4;
  readonly columns: Readonly<Record<ColumnName, { readonly offset: number; readonly count: number }>>;
}
const INT_COLUMNS = ['lengths', 'supervised', 'file', 'line', 'size'] as const;
type ColumnName = (typeof INT_COLUMNS)[number] | 'offset' | 'label';

export class TokenFileWriter {
  readonly #file: AtomicFile;
  readonly #idBytes: 2 | 4;
  readonly #ints = Object.fromEntries(INT_COLUMNS.map((name) => [name, growingInt32()])) as Record<
    (typeof INT_COLUMNS)[number],
    ReturnType<typeof growingInt32>
  >;
  readonly #offsets = growingFloat64();
  readonly #labels = growingFloat64();
  #buffer = Buffer.alloc(WRITE_BYTES);
  #used = 0;
  #written = 0;

  /** `vocabularySize`: one more than the largest id. The folder must exist. */
  constructor(path: string, vocabularySize: number) {
    this.#file = AtomicFile.create(path);
    this.#idBytes = vocabularySize <= 0x10000 ? 2 : 4;
  }

  add({ ids, lossMask, tokenTypes, label = NaN }: TokenSample, supervised: number, place: SamplePlace): void {
    const size = sampleBytes(ids.length, this.#idBytes);
    const marks = tokenTypes ?? lossMask;
    if (this.#used + size > this.#buffer.length) this.#flush(size);
    for (const id of ids) this.#used = this.#buffer.writeUIntLE(id, this.#used, this.#idBytes);
    for (let t = 0; t < ids.length; t += 8) {
      let bits = 0;
      for (let k = 0; k < 8; k++) bits |= (marks[t + k] ?? 0) << k;
      this.#buffer[this.#used++] = bits;
    }
    this.#ints.lengths.push(ids.length);
    this.#ints.supervised.push(supervised);
    this.#ints.file.push(place.file);
    this.#ints.line.push(place.line);
    this.#ints.size.push(place.size);
    this.#offsets.push(place.offset);
    this.#labels.push(label);
  }

  /** Writes columns and footer and gives the file its name. */
  commit(info: TokenSetInfo): void {
    this.#flush(0);
    const columns: Record<string, { offset: number; count: number }> = {};
    const all = { ...this.#ints, offset: this.#offsets, label: this.#labels };
    for (const [name, column] of Object.entries(all)) {
      const values = column.values();
      columns[name] = { offset: this.#written, count: values.length };
      this.#write(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    }
    const footer: Footer = {
      ...info,
      version: TOKEN_FILE_VERSION,
      idBytes: this.#idBytes,
      columns: columns as Footer['columns'],
    };
    const text = Buffer.from(JSON.stringify(footer), 'utf8');
    const tail = Buffer.alloc(FOOTER_TAIL_BYTES);
    tail.writeUInt32LE(text.length, 0);
    tail.write(MARK, 4, 'latin1');
    this.#write(Buffer.concat([text, tail]));
    this.#file.commit();
  }

  abort(): void {
    this.#file.abort();
  }

  #flush(nextBytes: number): void {
    this.#write(this.#buffer.subarray(0, this.#used));
    this.#used = 0;
    if (nextBytes > this.#buffer.length) this.#buffer = Buffer.alloc(nextBytes);
  }

  #write(bytes: Uint8Array): void {
    this.#file.write(bytes);
    this.#written += bytes.byteLength;
  }
}

export class TokenFile {
  /** Tokens of each sample. */
  readonly lengths: Int32Array;
  /** Tokens of each sample that carry loss and have a token before them. */
  readonly supervised: Int32Array;
  readonly #places: { readonly file: Int32Array; readonly line: Int32Array; readonly size: Int32Array };
  readonly #offsets: Float64Array;
  readonly #labels: Float64Array;
  /** First byte of each sample in this file. */
  readonly #starts: Float64Array;
  #fd: number | undefined;

  private constructor(
    fd: number,
    readonly info: TokenSetInfo,
    private readonly idBytes: 2 | 4,
    columns: Footer['columns'],
  ) {
    this.#fd = fd;
    const ints = (name: ColumnName) => new Int32Array(readBytes(fd, columns[name].offset, 4 * columns[name].count));
    this.lengths = ints('lengths');
    this.supervised = ints('supervised');
    this.#places = { file: ints('file'), line: ints('line'), size: ints('size') };
    const floats = (name: ColumnName) => new Float64Array(readBytes(fd, columns[name].offset, 8 * columns[name].count));
    this.#offsets = floats('offset');
    this.#labels = floats('label');
    this.#starts = new Float64Array(this.lengths.length);
    for (let i = 1; i < this.lengths.length; i++) {
      this.#starts[i] = (this.#starts[i - 1] ?? 0) + sampleBytes(this.lengths[i - 1] ?? 0, idBytes);
    }
  }

  /** Undefined when there is no such file, or one that was not written by this version: it can be made again. */
  static open(path: string): TokenFile | undefined {
    if (!existsSync(path)) return undefined;
    const fd = openSync(path, 'r');
    const footer = readFooter(fd);
    if (footer?.version !== TOKEN_FILE_VERSION) {
      closeSync(fd);
      return undefined;
    }
    const { format, skipped, truncated, labels } = footer;
    const info = { format, skipped, truncated, ...(labels && { labels }) };
    return new TokenFile(fd, info, footer.idBytes, footer.columns);
  }

  read(i: number): TokenSample {
    if (this.#fd === undefined || i < 0 || i >= this.lengths.length) throw new RangeError(`no sample ${i}`);
    const length = this.lengths[i] ?? 0;
    const bytes = readBytes(this.#fd, this.#starts[i] ?? 0, sampleBytes(length, this.idBytes));
    const ids = Int32Array.from(
      this.idBytes === 2 ? new Uint16Array(bytes, 0, length) : new Int32Array(bytes, 0, length),
    );
    const bits = new Uint8Array(bytes, length * this.idBytes);
    const marks = Uint8Array.from(ids, (_, t) => ((bits[t >> 3] ?? 0) >> (t & 7)) & 1);
    if (!this.info.labels) return { ids, lossMask: marks };
    return { ids, lossMask: new Uint8Array(length), tokenTypes: marks, label: this.#labels[i] ?? NaN };
  }

  /** The label of a labelled sample, without reading its tokens. */
  label(i: number): number {
    return this.#labels[i] ?? NaN;
  }

  place(i: number): SamplePlace {
    const { file, line, size } = this.#places;
    return { file: file[i] ?? 0, line: line[i] ?? 0, size: size[i] ?? 0, offset: this.#offsets[i] ?? 0 };
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }
}

function sampleBytes(tokens: number, idBytes: number): number {
  return tokens * idBytes + Math.ceil(tokens / 8);
}

function readFooter(fd: number): Footer | undefined {
  const { size } = fstatSync(fd);
  if (size < FOOTER_TAIL_BYTES) return undefined;
  const tail = Buffer.from(readBytes(fd, size - FOOTER_TAIL_BYTES, FOOTER_TAIL_BYTES));
  const length = tail.readUInt32LE(0);
  if (tail.toString('latin1', 4) !== MARK || length > size - FOOTER_TAIL_BYTES) return undefined;
  const text = Buffer.from(readBytes(fd, size - FOOTER_TAIL_BYTES - length, length)).toString('utf8');
  return JSON.parse(text) as Footer;
}

/** A fresh buffer each time, so that typed arrays can lie on it from its first byte. */
function readBytes(fd: number, offset: number, size: number): ArrayBuffer {
  const buffer = new ArrayBuffer(size);
  for (let done = 0; done < size;) {
    const count = readSync(fd, new Uint8Array(buffer), done, Math.min(size - done, 1 << 30), offset + done);
    if (count === 0) throw new RangeError('the token file is shorter than it says');
    done += count;
  }
  return buffer;
}
