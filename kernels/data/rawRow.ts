/** @file What all readers of data files have in common: rows with their place, and files in chunks. */
import { isUtf8 } from 'node:buffer';
import { open } from 'node:fs/promises';
import type { RowFault } from './samples';

export interface RawRow {
  /** Line of the file on which the row begins, from 1; number of the row in a Parquet file. */
  readonly line: number;
  /** Where the row is in the file: first byte and bytes; number of the row, from 0, and 0 in a Parquet file. */
  readonly offset: number;
  readonly size: number;
  readonly value?: unknown;
  /** What is wrong, in place of the value. */
  readonly fault?: RowFault;
}

export interface RowChunk {
  readonly rows: readonly RawRow[];
  /** Bytes of the file that are behind us. */
  readonly bytesRead: number;
}

/** Between two chunks others get their turn: a chunk takes well under a tenth of a second to tokenise. */
const CHUNK_BYTES = 256 * 1024;

/** The file in pieces of one chunk; the last one may be empty. The buffers are not used again. */
export async function* readChunks(file: string): AsyncGenerator<{ readonly bytes: Buffer; readonly isLast: boolean }> {
  const handle = await open(file, 'r');
  try {
    for (;;) {
      const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(CHUNK_BYTES), 0, CHUNK_BYTES);
      yield { bytes: buffer.subarray(0, bytesRead), isLast: bytesRead === 0 };
      if (bytesRead === 0) return;
    }
  } finally {
    await handle.close();
  }
}

/** JSON text as a row; undefined when there is only white space. */
export function parseRow(bytes: Buffer, line: number, offset: number, expected: string): RawRow | undefined {
  const place = { line, offset, size: bytes.length };
  if (!isUtf8(bytes)) return { ...place, fault: { found: 'found bytes that are not UTF-8 text', expected } };
  // A byte order mark is allowed before the first row.
  const text = bytes.toString('utf8').replace(/^\uFEFF/, '');
  if (text.trim() === '') return undefined;
  try {
    const leading = bytes.length - Buffer.byteLength(text);
    return { line, offset: offset + leading, size: bytes.length - leading, value: JSON.parse(text) as unknown };
  } catch (error) {
    return { ...place, fault: { found: `not valid JSON: ${(error as Error).message}`, expected } };
  }
}
