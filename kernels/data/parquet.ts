/** @file Rows of Parquet files, one row group at a time, only the columns that a sample can have. */
import { closeSync, statSync } from 'node:fs';
import * as zlib from 'node:zlib';
import * as l10n from '@vscode/l10n';
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects, parquetSchema } from 'hyparquet';
import { openPlainFile } from '../formats/plainFile';
import { formatProblem, KernelError } from '../protocol/errors';
import type { RawRow, RowChunk } from './rawRow';
import { COLUMNS } from './samples';

/** Codecs besides Snappy, which hyparquet brings. Node has Zstandard from version 22.15 on. */
const DECOMPRESS: Readonly<Record<string, ((bytes: Uint8Array) => Uint8Array) | undefined>> = {
  GZIP: (bytes) => zlib.gunzipSync(bytes),
  BROTLI: (bytes) => zlib.brotliDecompressSync(bytes),
  ZSTD: (zlib as { readonly zstdDecompressSync?: (bytes: Uint8Array) => Uint8Array }).zstdDecompressSync,
};
const BUILT_IN = ['UNCOMPRESSED', 'SNAPPY'];

export async function* readParquet(file: string): AsyncGenerator<RowChunk> {
  closeSync(openPlainFile(file, l10n.t('expected a Parquet file')));
  const source = await openParquet(file);
  let first = 0;
  const { size } = statSync(file);
  for (const group of source.metadata.row_groups) {
    const count = Number(group.num_rows);
    const values = await source.read(first, first + count);
    const from = first;
    for (let start = 0; start < count; start += ROWS_IN_CHUNK) {
      const rows = values.slice(start, start + ROWS_IN_CHUNK).map((value, i): RawRow => {
        const row = from + start + i;
        return { line: row + 1, offset: row, size: 0, value };
      });
      yield { rows, bytesRead: Math.round((size * (from + start + rows.length)) / Math.max(1, source.rowCount)) };
    }
    first += count;
  }
}

const ROWS_IN_CHUNK = 1000;

export async function readParquetRow(file: string, row: number): Promise<unknown> {
  return (await (await openParquet(file)).read(row, row + 1))[0];
}

async function openParquet(file: string) {
  const refuse = (cause: unknown): KernelError => {
    const found = l10n.t('cannot be read as Parquet: {0}', (cause as Error).message);
    const problem = { file, severity: 'error', found, expected: l10n.t('expected a Parquet file') } as const;
    return new KernelError('input/refused', formatProblem(problem), { cause, problems: [problem] });
  };
  try {
    const buffer = await asyncBufferFromFile(file);
    const metadata = await parquetMetadataAsync(buffer);
    const present = parquetSchema(metadata).children.map((c) => c.element.name);
    // Without any known column all are read, so that the error can name what is there.
    const known = COLUMNS.filter((c) => present.includes(c));
    const columns = known.length > 0 ? known : present;
    const codecs = new Set(
      metadata.row_groups.flatMap((g) => g.columns.map((c) => c.meta_data?.codec ?? 'UNCOMPRESSED')),
    );
    const missing = [...codecs].filter((c) => !BUILT_IN.includes(c) && !DECOMPRESS[c]);
    if (missing.length > 0) {
      const can = [...BUILT_IN, ...Object.keys(DECOMPRESS).filter((c) => DECOMPRESS[c])].join(', ');
      throw new Error(`compressed with ${missing.join(', ')}, can read ${can}`);
    }
    const compressors = Object.fromEntries(Object.entries(DECOMPRESS).filter(([, f]) => f)) as Record<
      string,
      (bytes: Uint8Array) => Uint8Array
    >;
    const read = async (rowStart: number, rowEnd: number): Promise<unknown[]> => {
      try {
        const rows = await parquetReadObjects({ file: buffer, metadata, columns, rowStart, rowEnd, compressors });
        return rows.map(plainValue);
      } catch (cause) {
        throw refuse(cause);
      }
    };
    return { metadata, rowCount: Number(metadata.num_rows), read };
  } catch (cause) {
    throw KernelError.is(cause) ? cause : refuse(cause);
  }
}

/** 64-bit integers as numbers, as JSON and the chat templates know them. */
function plainValue(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map(plainValue);
  if (typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype) {
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, plainValue(v)]));
  }
  return value;
}
