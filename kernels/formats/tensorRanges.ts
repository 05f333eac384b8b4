/** @file Goes through the bytes of a tensor in ranges, so that a tensor of any size needs the memory of one range. */
import { KernelError } from '../protocol/errors';
import type { TensorInfo } from './safetensors';

/** A safetensors file or a checkpoint. */
export interface TensorSource {
  tensor(name: string): TensorInfo;
  /** Fills `into` with the stored bytes from byte `begin` of the tensor on. */
  readRange(name: string, begin: number, into: Uint8Array): Uint8Array;
}

/** A multiple of every element size, so that no element is cut in two. */
const RANGE_BYTES = 4 << 20;

/**
 * The buffer is used again for the next range. Others get their turn between two ranges; throws `cancelled` there.
 * `onBytes` hears how many bytes of the tensor are done.
 */
export async function* tensorRanges(
  source: TensorSource,
  name: string,
  signal?: AbortSignal,
  onBytes?: (done: number) => void,
): AsyncGenerator<Uint8Array> {
  const { byteLength } = source.tensor(name);
  const buffer = new Uint8Array(Math.min(RANGE_BYTES, byteLength));
  for (let at = 0; at < byteLength; at += buffer.length) {
    if (signal?.aborted) throw new KernelError('cancelled', `reading ${name} was cancelled`);
    const bytes = buffer.subarray(0, Math.min(buffer.length, byteLength - at));
    yield source.readRange(name, at, bytes);
    onBytes?.(at + bytes.length);
    await new Promise((resume) => setImmediate(resume));
  }
}
