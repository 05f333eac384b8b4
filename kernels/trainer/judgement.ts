/** @file Collects what several rules refuse, so that a person hears of all of it at once; and how a refusal becomes problems. */
import * as l10n from '@vscode/l10n';
import type { Problem } from '../protocol/errors';
import { formatProblem, KernelError } from '../protocol/errors';

const REFUSALS = ['input/refused', 'format/invalid', 'adapter/unsupported', 'model/unsupported'] as const;

/**
 * The problems of a refusal; `undefined` for every other error. A refusal in one sentence becomes one problem of `file`. What
 * the machine lacks is one where it is placed at a file, as at the key of a configuration that asks for it.
 */
export function refusedProblems(error: unknown, file: string): readonly Problem[] | undefined {
  if (!KernelError.is(error)) return undefined;
  const isRefusal = REFUSALS.some((code) => code === error.code) || isOfMachine(error);
  if (!isRefusal) return undefined;
  if (error.problems.length > 0) return error.problems;
  const [found = '', ...rest] = error.message.split('; ');
  const expected = rest.length > 0 ? rest.join('; ') : l10n.t('expected something that can be used');
  return [{ file, severity: 'error', found, expected }];
}

const isOfMachine = (error: KernelError): boolean => error.code === 'machine/failed' && error.problems.length > 0;

export class Judgement {
  private readonly problems = new Map<string, Problem>();
  private isOfMachine = true;

  /** `file`: what a refusal is about that names no file itself. */
  constructor(private readonly file: string) {}

  /** Applies a rule; what it refuses is kept, every other error goes on. */
  attempt<T>(rule: () => T): T | undefined {
    try {
      return rule();
    } catch (error) {
      return this.keep(error);
    }
  }

  async attemptAsync<T>(rule: () => Promise<T>): Promise<T | undefined> {
    try {
      return await rule();
    } catch (error) {
      return this.keep(error);
    }
  }

  /** What was made where nothing was refused; throws all refusals where it could not be made. */
  need<T>(made: T | undefined): T {
    if (made !== undefined) return made;
    this.conclude();
    throw new KernelError('internal', 'something could not be made and nothing was refused');
  }

  /** Throws everything that was refused: `machine/failed` where only the machine lacks something, else `input/refused`. */
  conclude(): void {
    const problems = [...this.problems.values()];
    if (problems.length === 0) return;
    const code = this.isOfMachine ? 'machine/failed' : 'input/refused';
    throw new KernelError(code, problems.map(formatProblem).join('\n'), { problems });
  }

  private keep(error: unknown): undefined {
    const problems = refusedProblems(error, this.file);
    if (!problems) throw error;
    this.isOfMachine &&= KernelError.is(error, 'machine/failed');
    for (const problem of problems) this.problems.set(formatProblem(problem), problem);
    return undefined;
  }
}
