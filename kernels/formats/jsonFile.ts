/** @file Reads JSON files of other programs: UTF-8, strict, every failure a problem that names the file. */
import { readFileSync } from 'node:fs';
import { KernelError, type Problem } from '../protocol/errors';
import { parseJsonObject, type JsonObjectNode } from './jsonTree';

/**
 * The text and tree of a file that must hold a JSON object. `expected` says what the file should be, for the message when it
 * cannot be read (`input/refused`); broken JSON is `format/invalid`.
 */
export function readJsonObject(
  file: string,
  expected: string,
): { readonly text: string; readonly node: JsonObjectNode } {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    const found = isMissing(error) ? 'there is no such file' : error instanceof Error ? error.message : String(error);
    throw KernelError.refused([{ file, severity: 'error', found, expected }]);
  }
  const text = decodeUtf8(bytes);
  if (text === undefined) {
    throw KernelError.invalid([
      { file, severity: 'error', found: 'this is not UTF-8', expected: 'expected JSON in UTF-8' },
    ]);
  }
  return { text, node: parseJsonObject(text, file) };
}

/** Strict: `undefined` for bytes that are not UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** Runs `work`; the problems of a refusal go to `problems`, every other error goes on. */
export function collectProblems<T>(problems: Problem[], work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (!KernelError.is(error) || error.problems.length === 0) throw error;
    problems.push(...error.problems);
    return undefined;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}
