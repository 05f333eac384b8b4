/**
 * @file Opens files that the user names. Only plain files: a pipe or a device could keep a reader waiting for ever or never
 * end. What cannot be opened is refused input, in words that say what lies there instead.
 */
import { closeSync, constants, fstatSync, lstatSync, openSync, readSync, statSync, type Stats } from 'node:fs';
import * as l10n from '@vscode/l10n';
import { KernelError } from '../protocol/errors';

/** One read call fills at most 2³¹ − 1 bytes. */
const MAX_READ_BYTES = 1 << 30;

/** A file descriptor that the caller closes. `expected` says what the file should be. Throws `input/refused`. */
export function openPlainFile(file: string, expected: string): number {
  const refuse = (found: string): never => {
    throw KernelError.refused([{ file, severity: 'error', found, expected }]);
  };
  // Before opening: the other end of a pipe should not notice us.
  const obstacle = obstacleAt(file);
  if (obstacle !== undefined) return refuse(obstacle);
  let fd: number;
  try {
    // It may have become a pipe since; that flag does not exist on Windows.
    fd = openSync(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    return refuse(reasonOf(error));
  }
  if (fstatSync(fd).isFile()) return fd;
  closeSync(fd);
  return refuse(l10n.t('this is not a file'));
}

/** All bytes of a file of at most `maxBytes`. Throws `input/refused`, and `machine/failed` when reading fails. */
export function readPlainFile(file: string, expected: string, maxBytes: number): Buffer {
  const fd = openPlainFile(file, expected);
  try {
    const { size } = fstatSync(fd);
    if (size > maxBytes) {
      const found = l10n.t('a file of {0} bytes', size);
      const limit = l10n.t('{0} of at most {1} MB', expected, maxBytes / 1e6);
      throw KernelError.refused([{ file, severity: 'error', found, expected: limit }]);
    }
    const bytes = Buffer.allocUnsafeSlow(size);
    readFully(fd, file, 0, bytes);
    return bytes;
  } finally {
    closeSync(fd);
  }
}

/** Fills `into` from a position of an open file. Throws `format/invalid` when the file ends before, `machine/failed`. */
export function readFully(fd: number, file: string, position: number, into: Uint8Array): void {
  for (let done = 0; done < into.byteLength;) {
    let count: number;
    try {
      count = readSync(fd, into, done, Math.min(into.byteLength - done, MAX_READ_BYTES), position + done);
    } catch (error) {
      throw new KernelError('machine/failed', l10n.t('cannot read {0}: {1}', file, reasonOf(error)), { cause: error });
    }
    if (count === 0) {
      const found = l10n.t('the file ends at byte {0}', position + done);
      const expected = l10n.t('expected {0} more; was it changed while open?', into.byteLength - done);
      throw KernelError.invalid([{ file, severity: 'error', found, expected }]);
    }
    done += count;
  }
}

export const NOTHING = l10n.t('there is no such file');
export const A_FOLDER = l10n.t('this is a folder');

/** Why a path is not a file that can be opened, as far as can be told without opening it. */
export function obstacleAt(file: string): string | undefined {
  let stats: Stats | undefined;
  try {
    stats = statSync(file, { throwIfNoEntry: false });
  } catch (error) {
    return reasonOf(error);
  }
  if (stats?.isFile()) return undefined;
  if (stats?.isDirectory()) return A_FOLDER;
  if (stats) return l10n.t('this is {0}', kindOf(stats));
  const isLink = lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
  return isLink ? l10n.t('this link leads to nothing (was the file it leads to downloaded?)') : NOTHING;
}

function kindOf(stats: Stats): string {
  if (stats.isFIFO()) return l10n.t('a pipe');
  if (stats.isSocket()) return l10n.t('a socket');
  return l10n.t('a device');
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT' || code === 'ENOTDIR') return NOTHING;
  if (code === 'EACCES' || code === 'EPERM') return l10n.t('this file may not be read by you');
  if (code === 'ELOOP') return l10n.t('these links lead to each other');
  return message;
}
