/** @file What all readers of data files have in common: rows with their place, and files in chunks. */
import { isUtf8 } from 'node:buffer';
import { closeSync, read } from 'node:fs';
import { promisify } from 'node:util';
import * as l10n from '@vscode/l10n';
import { foreignKind } from '../formats/foreignFile';
import { parseJson } from '../formats/jsonTree';
import { openPlainFile } from '../formats/plainFile';
import { KernelError } from '../protocol/errors';
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
/** Far beyond any sample; a longer one would be a file without line ends. */
export const MOST_ROW_BYTES = 64 * 1024 * 1024;

const readAsync = promisify(read);

/**
 * The file in pieces of one chunk; the last one may be empty. The buffers are not used again. Throws `input/refused` for what
 * is no file, `format/invalid` for a file that is known to be something else.
 */
export async function* readChunks(file: string): AsyncGenerator<{ readonly bytes: Buffer; readonly isLast: boolean }> {
  const fd = openPlainFile(file, l10n.t('expected a data file'));
  try {
    for (let isFirst = true; ; isFirst = false) {
      const { bytesRead, buffer } = await readAsync(fd, Buffer.allocUnsafe(CHUNK_BYTES), 0, CHUNK_BYTES, null);
      const bytes = buffer.subarray(0, bytesRead);
      if (isFirst) refuseForeign(file, bytes);
      yield { bytes, isLast: bytesRead === 0 };
      if (bytesRead === 0) return;
    }
  } finally {
    closeSync(fd);
  }
}

function refuseForeign(file: string, bytes: Uint8Array): void {
  const foreign = foreignKind(bytes);
  if (foreign === undefined) return;
  const expected = l10n.t('expected JSON in UTF-8');
  throw KernelError.invalid([{ file, line: 1, severity: 'error', found: l10n.t('this is {0}', foreign), expected }]);
}

/** JSON text as a row; undefined when there is only white space. */
export function parseRow(bytes: Buffer, line: number, offset: number, expected: string): RawRow | undefined {
  const place = { line, offset, size: bytes.length };
  if (!isUtf8(bytes)) return { ...place, fault: { found: l10n.t('found bytes that are not UTF-8 text'), expected } };
  // A byte order mark is allowed before the first row.
  const text = bytes.toString('utf8').replace(/^\uFEFF/, '');
  if (text.trim() === '') return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text) as unknown;
  } catch {
    return { ...place, ...syntaxFault(text, line, expected) };
  }
  const fault = hiddenFault(text, value);
  if (fault) return { ...place, fault };
  const leading = bytes.length - Buffer.byteLength(text);
  return { line, offset: offset + leading, size: bytes.length - leading, value };
}

export function longRow(line: number, offset: number, size: number): RawRow {
  const found = l10n.t('found {0} MB in one row', Math.round(size / 1e6));
  const expected = l10n.t('expected at most {0} MB; does the file have line ends?', Math.round(MOST_ROW_BYTES / 1e6));
  return { line, offset, size, fault: { found, expected } };
}

/** Where the text stops being JSON: the fast parser does not say it, so the one that does reads it again. */
function syntaxFault(text: string, line: number, expected: string): Pick<RawRow, 'line' | 'fault'> {
  const problem = strictProblem(text);
  const found = problem ? `${problem.found}, ${problem.expected}` : l10n.t('it cannot be read');
  return { line: line + (problem?.line ?? 1) - 1, fault: { found: l10n.t('not valid JSON: {0}', found), expected } };
}

function strictProblem(
  text: string,
): { readonly line?: number; readonly found: string; readonly expected: string } | undefined {
  try {
    parseJson(text, '');
    return undefined;
  } catch (error) {
    if (!KernelError.is(error)) throw error;
    return error.problems[0];
  }
}

const ESCAPED_SURROGATE = /\\u[dD][89a-fA-F]/;

/** What JSON allows and no tokenizer can read, or what one reader takes and another leaves. */
function hiddenFault(text: string, value: unknown): RowFault | undefined {
  if (ESCAPED_SURROGATE.test(text) && !isWellFormed(value)) {
    return {
      found: l10n.t('found half of a surrogate pair (\\ud800 to \\udfff alone)'),
      expected: l10n.t('expected Unicode text'),
    };
  }
  const keys = typeof value === 'object' && value !== null ? Object.keys(value) : [];
  if (!keys.some((key) => mayBeRepeated(text, key))) return undefined;
  const problem = strictProblem(text);
  return problem && { found: problem.found, expected: problem.expected };
}

/** Quick, and wrong where a text holds the same characters. */
function mayBeRepeated(text: string, key: string): boolean {
  const written = JSON.stringify(key);
  return text.indexOf(written, text.indexOf(written) + 1) >= 0;
}

function isWellFormed(value: unknown): boolean {
  if (typeof value === 'string') return !/\p{Surrogate}/u.test(value);
  if (typeof value !== 'object' || value === null) return true;
  return Object.entries(value).every(([key, item]) => isWellFormed(key) && isWellFormed(item));
}
