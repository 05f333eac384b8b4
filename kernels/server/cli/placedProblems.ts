/** @file Refusals that name a key of a configuration, given the line that key stands on. */
import { adapterMethods } from '../../adapters/registry';
import { loadConfig } from '../../config/loadConfig';
import type { Problem } from '../../protocol/errors';
import { formatProblem, KernelError } from '../../protocol/errors';

/** Runs `work`, which knows the keys of the configuration in `file` but not its lines. */
export async function withPlaces<T>(file: string, overrides: readonly string[], work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!KernelError.is(error) || !error.problems.some((p) => isUnplaced(p, file))) throw error;
    const config = loadConfig(file, { overrides, methods: adapterMethods });
    const problems = error.problems.map((p) => (isUnplaced(p, file) ? config.placed(p) : p));
    throw new KernelError(error.code, problems.map(formatProblem).join('\n'), { cause: error, problems });
  }
}

const isUnplaced = (problem: Problem, file: string): boolean =>
  problem.file === file && problem.where !== undefined && problem.line === undefined;
