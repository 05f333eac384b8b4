/** @file What the checks of single files and folders share: where problems go, and how refusals become problems. */
import * as l10n from '@vscode/l10n';
import type { Problem } from '../protocol/errors';
import { KernelError } from '../protocol/errors';

export interface CheckContext {
  /** Base model to check adapters and data against, in place of the one they name. */
  readonly base?: string;
  readonly signal: AbortSignal;
  /** Called as problems are found; the same problem may come twice. */
  report(problem: Problem): void;
  progress(message: string): void;
}

export type CheckedKind = 'checkpoint' | 'adapter' | 'safetensors' | 'data' | 'configuration' | 'run';

/** Runs `work`; what it refuses is reported, what the machine or we ourselves do wrong goes on as an error. */
export async function reporting<T>(
  context: CheckContext,
  file: string,
  work: () => T | Promise<T>,
): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    const problems = refusedProblems(error, file);
    if (!problems) throw error;
    problems.forEach((problem) => context.report(problem));
    return undefined;
  }
}

const REFUSALS = ['input/refused', 'format/invalid', 'adapter/unsupported', 'model/unsupported'] as const;

/** The problems of a refusal; `undefined` for every other error. A refusal in one sentence becomes one problem of `file`. */
function refusedProblems(error: unknown, file: string): readonly Problem[] | undefined {
  if (!KernelError.is(error) || !REFUSALS.some((code) => code === error.code)) return undefined;
  if (error.problems.length > 0) return error.problems;
  const [found = '', ...rest] = error.message.split('; ');
  const expected = rest.length > 0 ? rest.join('; ') : l10n.t('expected something that can be used');
  return [{ file, severity: 'error', found, expected }];
}
