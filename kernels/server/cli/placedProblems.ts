/** @file Refusals that name a key of a configuration, given the line that key stands on. */
import { adapterMethods } from '../../adapters/registry';
import { loadConfig } from '../../config/loadConfig';
import { parseOverride } from '../../config/overrides';
import type { Problem } from '../../protocol/errors';
import { formatProblem, KernelError } from '../../protocol/errors';

/** Runs `work`, which knows the keys of the configuration in `file` but not its lines. */
export async function withPlaces<T>(file: string, overrides: readonly string[], work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!KernelError.is(error) || !error.problems.some((p) => isUnplaced(p, file))) throw error;
    const problems = error.problems.map((p) => (isUnplaced(p, file) ? placed(p, file, overrides) : p));
    throw new KernelError(error.code, problems.map(formatProblem).join('\n'), { cause: error, problems });
  }
}

const isUnplaced = (problem: Problem, file: string): boolean =>
  problem.file === file && problem.where !== undefined && problem.line === undefined;

/** What the command line says in place of the file has no line. */
function placed(problem: Problem, file: string, overrides: readonly string[]): Problem {
  const path = (problem.where ?? '').split('.');
  const given = overrides
    .map((option) => parseOverride(option, file))
    .flatMap((parsed) => ('path' in parsed ? [parsed.path] : []))
    .find((own) => path.every((step, i) => own[i] === undefined || own[i] === step));
  if (given) return { ...problem, where: `--set ${given.join('.')}` };
  return { ...problem, ...loadConfig(file, { methods: adapterMethods }).locate(path) };
}
