/** @file Rows of data files of every kind, read in small chunks: a file of any size needs the memory of one chunk. */
import { closeSync, readSync } from 'node:fs';
import { extname } from 'node:path';
import { open } from 'node:fs/promises';
import * as l10n from '@vscode/l10n';
import { openPlainFile } from '../formats/plainFile';
import { readJsonLines } from './jsonLines';
import { isJsonList, readJsonList } from './jsonList';
import { readParquet, readParquetRow } from './parquet';
import type { RowChunk } from './rawRow';

/** All rows of a file in order. Blank lines are no rows. A file that cannot be read throws. */
export async function* readRows(file: string): AsyncGenerator<RowChunk> {
  const ending = extname(file).toLowerCase();
  if (ending === '.parquet') yield* readParquet(file);
  else if (ending === '.json' && isJsonList(file)) yield* readJsonList(file);
  else yield* readJsonLines(file);
}

/** One row again, by the place that `readRows` gave. */
export async function readRow(file: string, offset: number, size: number): Promise<unknown> {
  if (extname(file).toLowerCase() === '.parquet') return readParquetRow(file, offset);
  const handle = await open(file, 'r');
  try {
    const { buffer } = await handle.read(Buffer.alloc(size), 0, size, offset);
    return JSON.parse(buffer.toString('utf8')) as unknown;
  } finally {
    await handle.close();
  }
}

/** Whether a text file begins with a byte order mark, which is left out when its rows are read. */
export function beginsWithMark(file: string): boolean {
  const fd = openPlainFile(file, l10n.t('expected a data file'));
  try {
    const bytes = Buffer.alloc(3);
    return readSync(fd, bytes, 0, 3, 0) === 3 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  } finally {
    closeSync(fd);
  }
}
