/** @file Follows one append-only file of JSON lines: reads only what was added, and notices when the past was changed. */
import { open, type FileHandle } from 'node:fs/promises';

export interface TailRead<T> {
  /** Complete lines that are new since the last read. A last line without its newline waits for the rest. */
  readonly records: readonly T[];
  /** The file no longer begins with what was read before: forget everything, `records` starts at the first line. */
  readonly isReset: boolean;
}

/** Bytes before the reading position that are compared on each read, so that a rewritten file is noticed at any size. */
const FINGERPRINT_BYTES = 128;
/** A chunk is parsed at a stretch: some ten milliseconds. */
const CHUNK_BYTES = 1 << 18;
const NEWLINE = 0x0a;

/**
 * A resumed run removes the records past its checkpoint and appends new ones. By the time we look, the file may be longer
 * than before, so size alone does not tell: the last bytes that were read are compared as well.
 */
export class JsonlTail<T> {
  private position = 0;
  /** The last bytes before `position`. */
  private fingerprint: Uint8Array = new Uint8Array(0);
  /** Bytes of a line that has no newline yet. Kept as bytes: a character may be cut in two. */
  private partial: Uint8Array = new Uint8Array(0);

  constructor(
    private readonly file: string,
    /** Checks one parsed line; throws when it is not a record. */
    private readonly parse: (value: unknown) => T,
    /** Gets (the beginning of) each complete line that is not a record; the line is left out. */
    private readonly onBadLine: (line: string, error: unknown) => void,
  ) {}

  /** Reads what was appended. A file that does not exist has nothing new. Not to be called again before it has settled. */
  async read(): Promise<TailRead<T>> {
    let handle: FileHandle;
    try {
      handle = await open(this.file, 'r');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      // Runs replace the file and never remove it, so it goes with its folder: what was read stays.
      return { records: [], isReset: false };
    }
    try {
      const isReset = this.position > 0 && !(await this.beginsAsBefore(handle));
      if (isReset) this.rewind();
      return { records: await this.readNew(handle), isReset };
    } finally {
      await handle.close();
    }
  }

  private rewind(): void {
    this.position = 0;
    this.fingerprint = new Uint8Array(0);
    this.partial = new Uint8Array(0);
  }

  private async beginsAsBefore(handle: FileHandle): Promise<boolean> {
    const { size } = await handle.stat();
    if (size < this.position) return false;
    const { length } = this.fingerprint;
    const found = Buffer.alloc(length);
    const { bytesRead } = await handle.read(found, 0, length, this.position - length);
    return bytesRead === length && found.equals(this.fingerprint);
  }

  private async readNew(handle: FileHandle): Promise<T[]> {
    const records: T[] = [];
    for (;;) {
      const { size } = await handle.stat();
      const wanted = Math.min(size - this.position, CHUNK_BYTES);
      if (wanted <= 0) return records;
      const chunk = Buffer.alloc(wanted);
      const { bytesRead } = await handle.read(chunk, 0, wanted, this.position);
      if (bytesRead === 0) return records;
      const read = chunk.subarray(0, bytesRead);
      this.position += bytesRead;
      this.fingerprint = Uint8Array.from(Buffer.concat([this.fingerprint, read]).subarray(-FINGERPRINT_BYTES));
      this.takeLines(Buffer.concat([this.partial, read]), records);
    }
  }

  private takeLines(bytes: Buffer, records: T[]): void {
    let start = 0;
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
      const line = bytes.toString('utf8', start, end).trim();
      start = end + 1;
      if (line === '') continue;
      try {
        records.push(this.parse(JSON.parse(line)));
      } catch (error) {
        this.onBadLine(line.slice(0, 80), error);
      }
    }
    this.partial = Uint8Array.from(bytes.subarray(start));
  }
}
