/** @file Reads one entry of a zip archive (a Python wheel is one): end record, central directory, local header, inflate. */
import { open, type FileHandle } from 'node:fs/promises';
import { inflateRawSync } from 'node:zlib';

const END_RECORD = 0x06054b50;
const DIRECTORY_ENTRY = 0x02014b50;
const LOCAL_HEADER = 0x04034b50;
const END_RECORD_BYTES = 22;
const MAX_COMMENT_BYTES = 0xffff;
const ZIP64 = 0xffffffff;

interface Entry {
  readonly name: string;
  readonly method: number;
  readonly storedBytes: number;
  readonly bytes: number;
  readonly headerOffset: number;
}

/**
 * The bytes of the first entry whose name ends with `suffix`.
 * Throws when the file is no zip archive, has no such entry, or uses zip64 or a method other than stored and deflate.
 */
export async function readZipEntry(path: string, suffix: string): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const entries = parseDirectory(await readDirectory(file, path), path);
    const entry = entries.find(({ name }) => name.endsWith(suffix));
    if (!entry)
      throw new Error(`${path}: no entry ends with ${suffix}; found ${entries.map((e) => e.name).join(', ')}`);
    return await readEntry(file, entry, path);
  } finally {
    await file.close();
  }
}

async function readDirectory(file: FileHandle, path: string): Promise<Buffer> {
  const { size } = await file.stat();
  const tailBytes = Math.min(size, END_RECORD_BYTES + MAX_COMMENT_BYTES);
  const tail = await readAt(file, size - tailBytes, tailBytes);
  // The record is found from the back: an archive comment of unknown length may follow it.
  for (let at = tail.length - END_RECORD_BYTES; at >= 0; at--) {
    if (tail.readUInt32LE(at) !== END_RECORD) continue;
    return readAt(file, tail.readUInt32LE(at + 16), tail.readUInt32LE(at + 12));
  }
  throw new Error(`${path}: no end-of-directory record found; expected a zip archive`);
}

function parseDirectory(directory: Buffer, path: string): Entry[] {
  const entries: Entry[] = [];
  for (let at = 0; at < directory.length;) {
    if (directory.readUInt32LE(at) !== DIRECTORY_ENTRY) throw new Error(`${path}: broken zip directory at byte ${at}`);
    const nameBytes = directory.readUInt16LE(at + 28);
    entries.push({
      name: directory.toString('utf8', at + 46, at + 46 + nameBytes),
      method: directory.readUInt16LE(at + 10),
      storedBytes: directory.readUInt32LE(at + 20),
      bytes: directory.readUInt32LE(at + 24),
      headerOffset: directory.readUInt32LE(at + 42),
    });
    at += 46 + nameBytes + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
  }
  return entries;
}

async function readEntry(file: FileHandle, entry: Entry, path: string): Promise<Buffer> {
  if (entry.bytes === ZIP64 || entry.headerOffset === ZIP64) throw new Error(`${path}: ${entry.name} needs zip64`);
  const header = await readAt(file, entry.headerOffset, 30);
  if (header.readUInt32LE(0) !== LOCAL_HEADER) throw new Error(`${path}: no local header for ${entry.name}`);
  const start = entry.headerOffset + 30 + header.readUInt16LE(26) + header.readUInt16LE(28);
  const stored = await readAt(file, start, entry.storedBytes);
  if (entry.method !== 0 && entry.method !== 8)
    throw new Error(`${path}: ${entry.name} uses zip method ${entry.method}`);
  const bytes = entry.method === 0 ? stored : inflateRawSync(stored, { maxOutputLength: entry.bytes });
  if (bytes.length !== entry.bytes) {
    throw new Error(`${path}: ${entry.name} has ${bytes.length} bytes, the directory says ${entry.bytes}`);
  }
  return bytes;
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length);
  const { bytesRead } = await file.read(buffer, 0, length, position);
  if (bytesRead !== length) throw new Error(`wanted ${length} bytes at ${position}, the file ends after ${bytesRead}`);
  return buffer;
}
