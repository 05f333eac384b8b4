/** @file Reads safetensors files by ranges: the header when opened, afterwards only the bytes that are asked for. */
import { closeSync, fstatSync } from 'node:fs';
import { resolve } from 'node:path';
import * as l10n from '@vscode/l10n';
import { KernelError } from '../protocol/errors';
import { bytesOf, decodeFloats, DTYPE_BITS, elementCount, isFloatDtype } from './dtype';
import { foreignKind } from './foreignFile';
import { decodeUtf8 } from './jsonFile';
import { openPlainFile, readFully } from './plainFile';
import { MAX_HEADER_BYTES, parseHeader, shapeText, type SafetensorsHeader, type TensorInfo } from './safetensorsHeader';

export type { TensorInfo, TensorSpec } from './safetensorsHeader';

/** Conversions go through pieces of this size, so that the 16-bit form is still in the cache when it is read. */
const CONVERSION_BYTES = 1 << 20;

export interface ReadF32Options {
  readonly rows?: readonly [from: number, to: number];
  /** An array to fill from its start instead of a new one; fresh memory costs more than the conversion. */
  readonly into?: Float32Array;
}

/**
 * Opens a file and checks its header completely. Throws `input/refused` when there is no such file, `format/invalid` with
 * every mistake of the header, `machine/failed` when reading fails. The caller closes it.
 */
export function openSafetensors(path: string): SafetensorsFile {
  const file = resolve(path);
  const fd = openPlainFile(file, l10n.t('expected a safetensors file'));
  try {
    return readHeader(fd, file);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** An open file. All reads are synchronous and may be repeated. */
export class SafetensorsFile {
  #fd: number | undefined;

  constructor(
    /** Absolute path. */
    readonly path: string,
    fd: number,
    /** By name, in the order of their bytes in the file. */
    readonly tensors: ReadonlyMap<string, TensorInfo>,
    readonly metadata: ReadonlyMap<string, string>,
  ) {
    this.#fd = fd;
  }

  /** The tensor of that name. Throws `format/invalid` when there is none. */
  tensor(name: string): TensorInfo {
    const tensor = this.tensors.get(name);
    if (!tensor)
      throw this.#invalid(
        name,
        l10n.t('there is no such tensor'),
        l10n.t('expected one of the {0} names', this.tensors.size),
      );
    return tensor;
  }

  /** All bytes of a tensor, in `buffer` from its start when one is given (and large enough), without another copy. */
  readBytes(name: string, buffer?: Uint8Array): Uint8Array {
    const { byteLength } = this.tensor(name);
    if (buffer && buffer.byteLength < byteLength) {
      throw new KernelError('internal', `${name} has ${byteLength} bytes, the buffer ${buffer.byteLength}`);
    }
    const into = buffer
      ? buffer.subarray(0, byteLength)
      : this.#allocate(name, () => Buffer.allocUnsafeSlow(byteLength));
    return this.readRange(name, 0, into);
  }

  /** Fills `into` with the bytes of a tensor from its byte `begin` on. */
  readRange(name: string, begin: number, into: Uint8Array): Uint8Array {
    const tensor = this.tensor(name);
    if (begin < 0 || begin + into.byteLength > tensor.byteLength) {
      throw new KernelError(
        'internal',
        `bytes ${begin} to ${begin + into.byteLength} of ${name} (${tensor.byteLength})`,
      );
    }
    if (this.#fd === undefined) throw new KernelError('internal', `${this.path} is closed`);
    readFully(this.#fd, this.path, tensor.offset + begin, into);
    return into;
  }

  /**
   * A tensor of a floating type as float32, all of it or the rows [from, to) of its first dimension. F64 is rounded.
   * Throws `format/invalid` for other types.
   */
  readF32(name: string, options: ReadF32Options = {}): Float32Array {
    const tensor = this.tensor(name);
    const { dtype, shape } = tensor;
    if (!isFloatDtype(dtype))
      throw this.#invalid(name, l10n.t('{0} weights', dtype), l10n.t('expected F32, F16, BF16 or F64'));
    const [from, to] = options.rows ?? [0, shape[0] ?? 1];
    if (from < 0 || to < from || to > (shape[0] ?? 1)) {
      throw new KernelError('internal', `rows ${from} to ${to} of ${name} ${shapeText(shape)}`);
    }
    const rowElements = elementCount(shape.slice(1)) ?? 0;
    const count = (to - from) * rowElements;
    if (options.into && options.into.length < count) {
      throw new KernelError('internal', `${name} has ${count} values, the array ${options.into.length}`);
    }
    const out = options.into?.subarray(0, count) ?? this.#allocate(name, () => new Float32Array(count));
    const elementBytes = DTYPE_BITS[dtype] / 8;
    const begin = from * rowElements * elementBytes;
    if (dtype === 'F32') {
      this.readRange(name, begin, bytesOf(out));
      return out;
    }
    const step = CONVERSION_BYTES / elementBytes;
    const piece = new Uint8Array(Math.min(CONVERSION_BYTES, out.length * elementBytes));
    for (let at = 0; at < out.length; at += step) {
      const part = out.subarray(at, at + step);
      const bytes = piece.subarray(0, part.length * elementBytes);
      decodeFloats(dtype, this.readRange(name, begin + at * elementBytes, bytes), part);
    }
    return out;
  }

  /** Closing twice is harmless. */
  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  /** A tensor may be larger than any array; that it is stored says nothing about this machine. */
  #allocate<T>(name: string, make: () => T): T {
    try {
      return make();
    } catch (cause) {
      if (!(cause instanceof RangeError)) throw cause;
      const { byteLength } = this.tensor(name);
      const message = l10n.t(
        '{0}: {1} has {2} bytes; expected a tensor that fits into memory',
        this.path,
        name,
        byteLength,
      );
      throw new KernelError('machine/failed', message, { cause });
    }
  }

  #invalid(name: string, found: string, expected: string): KernelError {
    return KernelError.invalid([{ file: this.path, where: name, severity: 'error', found, expected }]);
  }
}

/** How much of a file shows what it is instead. */
const MARK_BYTES = 32;

function readHeader(fd: number, file: string): SafetensorsFile {
  const fileBytes = fstatSync(fd).size;
  const invalid = (found: string, expected: string): KernelError =>
    KernelError.invalid([{ file, where: 'header', severity: 'error', found, expected }]);
  const start = Buffer.alloc(Math.min(MARK_BYTES, fileBytes));
  readFully(fd, file, 0, start);
  // The length of a header may begin like another format's mark; its text always begins with a brace.
  const foreign = start[8] === 0x7b ? undefined : foreignKind(start);
  if (foreign !== undefined) throw invalid(l10n.t('this is {0}', foreign), l10n.t('expected a safetensors file'));
  if (fileBytes < 8)
    throw invalid(l10n.t('a file of {0} bytes', fileBytes), l10n.t('expected 8 bytes of header length first'));
  const headerBytes = start.readBigUInt64LE();
  if (headerBytes > BigInt(MAX_HEADER_BYTES)) {
    // A length above that in eight printable bytes is the beginning of some text.
    if (
      start
        .subarray(0, 8)
        .every((byte) => (byte >= 0x20 && byte < 0x7f) || byte === 0x0a || byte === 0x0d || byte === 0x09)
    ) {
      throw invalid(l10n.t('this is no safetensors file, it looks like text'), l10n.t('expected a safetensors file'));
    }
    throw invalid(
      l10n.t('a header length of {0} bytes', String(headerBytes)),
      l10n.t('expected at most 100 MB; is this a safetensors file?'),
    );
  }
  if (headerBytes > BigInt(fileBytes - 8)) {
    const found = l10n.t('a header length of {0} bytes, but {1} bytes follow', String(headerBytes), fileBytes - 8);
    throw invalid(found, l10n.t('expected the whole header; is the file cut off?'));
  }
  if (headerBytes === 0n) throw invalid(l10n.t('a header length of 0'), l10n.t('expected at least {}'));
  const header = Buffer.allocUnsafeSlow(Number(headerBytes));
  readFully(fd, file, 8, header);
  const { tensors, metadata } = readHeaderBytes(header, file, fileBytes);
  return new SafetensorsFile(file, fd, tensors, metadata);
}

/** The header as it stands behind its length, in a file of so many bytes. Errors as `openSafetensors`. */
export function readHeaderBytes(header: Uint8Array, file: string, fileBytes: number): SafetensorsHeader {
  const invalid = (found: string, expected: string): KernelError =>
    KernelError.invalid([{ file, where: 'header', severity: 'error', found, expected }]);
  if (header[0] !== '{'.charCodeAt(0))
    throw invalid(l10n.t('the header does not begin with {'), l10n.t('expected a JSON object'));
  const text = decodeUtf8(header);
  if (text === undefined) throw invalid(l10n.t('the header is not UTF-8'), l10n.t('expected UTF-8'));
  return parseHeader(text, file, 8 + header.length, fileBytes);
}
