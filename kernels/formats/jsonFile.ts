/** @file Reads JSON files of other programs: UTF-8, strict, every failure a problem that names the file. */
import * as l10n from '@vscode/l10n';
import { KernelError, type Problem } from '../protocol/errors';
import { foreignKind } from './foreignFile';
import { parseJsonObject, type JsonObjectNode } from './jsonTree';
import { readPlainFile } from './plainFile';

/** Configurations have kilobytes, the index of the largest checkpoints a few megabytes. */
const MAX_BYTES = 100_000_000;

/**
 * The text and tree of a file that must hold a JSON object. `expected` says what the file should be, for the message when it
 * cannot be read (`input/refused`); broken JSON is `format/invalid`.
 */
export function readJsonObject(
  file: string,
  expected: string,
): { readonly text: string; readonly node: JsonObjectNode } {
  const text = readJsonText(file, expected, MAX_BYTES);
  return { text, node: parseJsonObject(text, file) };
}

/** The text of a JSON file. Throws `input/refused` and, for other encodings, `format/invalid`. */
export function readJsonText(file: string, expected: string, maxBytes: number): string {
  const bytes = readPlainFile(file, expected, maxBytes);
  const invalid = (found: string): KernelError =>
    KernelError.invalid([{ file, severity: 'error', found, expected: l10n.t('expected JSON in UTF-8') }]);
  const foreign = foreignKind(bytes);
  if (foreign !== undefined) throw invalid(l10n.t('this is {0}', foreign));
  if (bytes.length === 0) throw invalid(l10n.t('the file is empty'));
  const text = decodeUtf8(bytes);
  if (text === undefined) throw invalid(l10n.t('this is not UTF-8'));
  // The reference readers stumble over it, so a folder with such a file would be of no use elsewhere.
  if (text.startsWith('\uFEFF')) throw invalid(l10n.t('the file begins with a byte order mark'));
  return text;
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
