/** @file Writes safetensors files: all names, types and shapes first, then the bytes, in pieces, without holding the file. */
import { KernelError } from '../protocol/errors';
import { AtomicFile, type AtomicFileOptions } from './atomicFile';
import { bytesOf, DTYPE_BITS, encodeFloats, isFloatDtype } from './dtype';
import { encodeHeader, type TensorInfo, type TensorSpec } from './safetensorsHeader';

export interface SafetensorsWriterOptions extends AtomicFileOptions {
  /** Free text stored with the file. PyTorch's readers want `format: pt`. */
  readonly metadata?: ReadonlyMap<string, string>;
}

const CONVERSION_BYTES = 1 << 20;

/** The file exists from `commit` on, and only when every tensor has all its bytes. */
export class SafetensorsWriter {
  readonly #written: Map<string, number>;

  private constructor(
    private readonly file: AtomicFile,
    private readonly tensors: ReadonlyMap<string, TensorInfo>,
  ) {
    this.#written = new Map([...tensors.keys()].map((name) => [name, 0]));
  }

  /** Lays the tensors out in the given order (`canonicalOrder` gives that of the reference writer). */
  static create(
    path: string,
    tensors: readonly TensorSpec[],
    options: SafetensorsWriterOptions = {},
  ): SafetensorsWriter {
    const header = encodeHeader(path, tensors, options.metadata ?? new Map());
    const file = AtomicFile.create(path, options);
    try {
      file.write(header.bytes);
      return new SafetensorsWriter(file, new Map(header.tensors.map((tensor) => [tensor.name, tensor])));
    } catch (error) {
      file.abort();
      throw error;
    }
  }

  /** Appends bytes to a tensor. Tensors may be filled in any order, each from its first byte to its last. */
  write(name: string, bytes: Uint8Array): void {
    const tensor = this.#tensor(name);
    const done = this.#written.get(name) ?? 0;
    if (done + bytes.byteLength > tensor.byteLength) {
      throw new KernelError('internal', `${name}: ${done + bytes.byteLength} bytes for ${tensor.byteLength}`);
    }
    this.file.writeAt(bytes, tensor.offset + done);
    this.#written.set(name, done + bytes.byteLength);
  }

  /** Appends values to a tensor of a floating type, rounded to it. */
  writeF32(name: string, values: Float32Array): void {
    const { dtype } = this.#tensor(name);
    if (!isFloatDtype(dtype)) throw new KernelError('internal', `${name} is ${dtype}, its values are float32`);
    if (dtype === 'F32') {
      this.write(name, bytesOf(values));
      return;
    }
    const elementBytes = DTYPE_BITS[dtype] / 8;
    const step = CONVERSION_BYTES / elementBytes;
    const piece = new Uint8Array(Math.min(CONVERSION_BYTES, values.length * elementBytes));
    for (let at = 0; at < values.length; at += step) {
      const part = values.subarray(at, at + step);
      const bytes = piece.subarray(0, part.length * elementBytes);
      encodeFloats(dtype, part, bytes);
      this.write(name, bytes);
    }
  }

  commit(): void {
    for (const [name, { byteLength }] of this.tensors) {
      const done = this.#written.get(name) ?? 0;
      if (done < byteLength) throw new KernelError('internal', `${name} has ${done} of ${byteLength} bytes`);
    }
    this.file.commit();
  }

  /** Removes what was written; harmless after `commit`. */
  abort(): void {
    this.file.abort();
  }

  #tensor(name: string): TensorInfo {
    const tensor = this.tensors.get(name);
    if (!tensor) throw new KernelError('internal', `${name} was not announced to the writer of ${this.file.path}`);
    return tensor;
  }
}
