/**
 * @file Files and folders that are either complete or absent: write beside the target, fsync, rename, fsync the folder.
 * A reader, a crash or a full disk never shows half of one.
 */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  statfsSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import * as l10n from '@vscode/l10n';
import { KernelError } from '../protocol/errors';
import { formatBytes } from '../util/formatBytes';

/** One write call takes at most 2³¹ − 1 bytes; a smaller piece keeps the call interruptible by a full disk. */
const MAX_WRITE_BYTES = 1 << 30;

export interface AtomicFileOptions {
  /** Permission bits of the new file, before the umask. Default 0o666. */
  readonly mode?: number;
}

/** Replaces `path` by `content` in one step. Throws `machine/failed` and leaves the old file untouched when that fails. */
export function writeFileAtomic(path: string, content: string | Uint8Array, options: AtomicFileOptions = {}): void {
  const file = AtomicFile.create(path, options);
  try {
    file.write(typeof content === 'string' ? Buffer.from(content, 'utf8') : content);
    file.commit();
  } catch (error) {
    file.abort();
    throw error;
  }
}

/**
 * Appends to `path`, all of it or nothing: what a full disk took of it is taken back. Written in one call where the system
 * takes it at once, so that readers and other writers see no line cut in two. Throws `machine/failed`.
 */
export function appendToFile(path: string, text: string): void {
  asMachineError(path, () => {
    const fd = openSync(path, 'a');
    try {
      const { size } = fstatSync(fd);
      try {
        writeAll(fd, Buffer.from(text, 'utf8'), null);
      } catch (error) {
        ftruncateSync(fd, size);
        throw error;
      }
    } finally {
      closeSync(fd);
    }
  });
}

/** Whether an error comes from a disk, or a share of one, that is full. */
export function isDiskFull(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOSPC' || code === 'EDQUOT' || isDiskFull(error.cause);
}

/** Bytes that this user can still write on the disk of an existing file or folder; undefined where the system does not tell. */
export function freeBytes(path: string): number | undefined {
  try {
    const { bavail, bsize } = statfsSync(path);
    return bavail * bsize;
  } catch {
    return undefined;
  }
}

/**
 * Makes a folder and those above it that are missing. Throws `machine/failed`, naming the first that cannot be made. One
 * level at a time: Node's recursive mkdir never returns where a file system answers ENOENT for a folder whose parent is there
 * (`/proc`).
 */
export function makeFolders(folder: string): void {
  const missing: string[] = [];
  for (let at = resolve(folder); !isFolder(at); at = dirname(at)) {
    missing.push(at);
    if (dirname(at) === at) break;
  }
  for (const at of missing.reverse()) {
    asMachineError(at, () => {
      try {
        mkdirSync(at);
      } catch (error) {
        if (!isFolder(at)) throw error; // else another process was faster
      }
    });
  }
}

/** A file that is being written under another name and appears at `path` only by `commit`. */
export class AtomicFile {
  #fd: number | undefined;
  #position = 0;

  private constructor(
    /** The absolute path the file will have. */
    readonly path: string,
    private readonly temporaryPath: string,
    fd: number,
  ) {
    this.#fd = fd;
  }

  /** Opens the temporary file beside `path`; the folder must exist. */
  static create(path: string, options: AtomicFileOptions = {}): AtomicFile {
    const target = resolve(path);
    const temporary = temporaryBeside(target);
    return new AtomicFile(
      target,
      temporary,
      asMachineError(target, () => openSync(temporary, 'wx', options.mode ?? 0o666)),
    );
  }

  /** Appends after the last byte that `write` wrote. */
  write(bytes: Uint8Array): void {
    this.writeAt(bytes, this.#position);
    this.#position += bytes.byteLength;
  }

  /** Writes at an absolute position; bytes never written in between read as zero. */
  writeAt(bytes: Uint8Array, position: number): void {
    const fd = this.#open();
    asMachineError(this.path, () => writeAll(fd, bytes, position));
  }

  /** Makes the bytes durable and gives the file its name. */
  commit(): void {
    const fd = this.#open();
    asMachineError(this.path, () => {
      fsyncSync(fd);
      closeSync(fd);
      this.#fd = undefined;
      renameOver(this.temporaryPath, this.path);
      syncFolder(dirname(this.path));
    });
  }

  /** Removes what was written; harmless after `commit` and when called twice. */
  abort(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
    rmSync(this.temporaryPath, { force: true });
  }

  #open(): number {
    if (this.#fd === undefined) throw new KernelError('internal', `${this.path} is already committed or aborted`);
    return this.#fd;
  }
}

/** A folder that is being filled under another name and appears at `path` only by `commit`. */
export class AtomicFolder {
  #isOpen = true;

  private constructor(
    /** The absolute path the folder will have. */
    readonly path: string,
    /** Where to write its files until then. Files inside must be made durable by their writers. */
    readonly temporaryPath: string,
  ) {}

  /** Makes the temporary folder beside `path`, and the folders above it. Refused when `path` exists and is not empty. */
  static create(path: string): AtomicFolder {
    const target = resolve(path);
    if (existsSync(target) && !isEmptyFolder(target)) {
      const expected = l10n.t('expected a path that does not exist yet or an empty folder');
      throw KernelError.refused([
        { file: target, severity: 'error', found: l10n.t('there is something already'), expected },
      ]);
    }
    const temporary = temporaryBeside(target);
    makeFolders(temporary);
    return new AtomicFolder(target, temporary);
  }

  commit(): void {
    if (!this.#isOpen) throw new KernelError('internal', `${this.path} is already committed or aborted`);
    asMachineError(this.path, () => {
      syncFolder(this.temporaryPath);
      // POSIX renames over an empty folder, Windows does not.
      if (existsSync(this.path)) rmSync(this.path, { recursive: true });
      renameOver(this.temporaryPath, this.path);
      syncFolder(dirname(this.path));
    });
    this.#isOpen = false;
  }

  /** Removes what was written; harmless after `commit` and when called twice. */
  abort(): void {
    if (this.#isOpen) rmSync(this.temporaryPath, { recursive: true, force: true });
    this.#isOpen = false;
  }
}

/** `position`: where to, or null for where the file is at (its end, for one opened to append). */
function writeAll(fd: number, bytes: Uint8Array, position: number | null): void {
  for (let done = 0; done < bytes.byteLength;) {
    const length = Math.min(bytes.byteLength - done, MAX_WRITE_BYTES);
    done += writeSync(fd, bytes, done, length, position === null ? null : position + done);
  }
}

function temporaryBeside(target: string): string {
  return join(dirname(target), `.${basename(target)}.${process.pid}-${randomBytes(4).toString('hex')}.tmp`);
}

function isFolder(path: string): boolean {
  return asMachineError(path, () => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true);
}

function isEmptyFolder(path: string): boolean {
  try {
    return readdirSync(path).length === 0;
  } catch {
    return false; // a file, or a folder that cannot be listed: not ours to replace
  }
}

/** On Windows a rename fails for a moment while a reader or a virus scanner holds the old file open. */
function renameOver(from: string, to: string): void {
  const attempts = process.platform === 'win32' ? 20 : 1;
  for (let attempt = 1; ; attempt++) {
    try {
      renameSync(from, to);
      return;
    } catch (error) {
      if (attempt >= attempts) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 25);
    }
  }
}

/** Makes a rename durable. Windows cannot open folders and needs no such step. */
function syncFolder(path: string): void {
  if (process.platform === 'win32') return;
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function asMachineError<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const found = isDiskFull(error) ? fullDisk(path) : error instanceof Error ? error.message : String(error);
    throw new KernelError('machine/failed', l10n.t('cannot write {0}: {1}', path, found), { cause: error });
  }
}

function fullDisk(path: string): string {
  const free = freeBytes(dirname(path));
  return free === undefined ? l10n.t('the disk is full') : l10n.t('the disk is full ({0} free)', formatBytes(free));
}
