/** @file What the checks of single files and folders share: where problems go, and how refusals become problems. */
import type { Problem } from '../protocol/errors';
import { refusedProblems } from '../trainer/judgement';

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
