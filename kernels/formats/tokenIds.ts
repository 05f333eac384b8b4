/** @file The ids of special tokens as the configurations of checkpoints name them: one, a list, or none. */
import * as l10n from '@vscode/l10n';
import type { Problem } from '../protocol/errors';

/** What is wrong with such a value, apart from the vocabulary. */
export function tokenIdProblem(value: unknown, where: string, file: string): Problem | undefined {
  const isId = (id: unknown): boolean => typeof id === 'number' && Number.isSafeInteger(id) && id >= 0;
  // -1 stands for "none" in checkpoints converted from the first LLaMA.
  if (value === undefined || value === null || value === -1 || [value].flat().every(isId)) return undefined;
  const expected = l10n.t('expected the id of a token, a list of ids, or null');
  return { file, where, severity: 'error', found: l10n.t('is {0}', JSON.stringify(value)), expected };
}
