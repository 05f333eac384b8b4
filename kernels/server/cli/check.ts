/** @file `check`: reads checkpoints, adapters, weights, data, configurations and runs completely and lists every problem. */
import path from 'node:path';
import { checkPath } from '../../check/checkPath';
import type { Problem } from '../../protocol/errors';
import { formatProblem } from '../../protocol/errors';
import type { Command } from './command';
import { EXIT, refusedArgument, stringOption } from './command';

export const checkCommand: Command = {
  name: 'check',
  usage: 'PATH… [--base DIR]',
  summary:
    'Reads checkpoint folders, adapter folders, safetensors files, data files, configurations or run folders completely ' +
    'and lists every problem, without running anything.',
  options: { base: { type: 'string' } },
  async run({ args, values, out, signal }) {
    if (args.length === 0) throw refusedArgument('arguments', 'found none', 'expected paths to check');
    const base = stringOption(values, 'base');
    const problems: Problem[] = [];
    const seen = new Set<string>();
    const checked = [];
    const context = {
      ...(base !== undefined && { base: path.resolve(base) }),
      signal,
      progress: (message: string) => out.progress(message),
      report: (problem: Problem) => {
        const line = lineOf(problem);
        // A file that several paths lead to is read for each of them.
        if (seen.has(line)) return;
        seen.add(line);
        problems.push(problem);
        out.line(line);
        if (out.isJson) out.note(line);
      },
    };
    for (const target of new Set(args.map((arg) => path.resolve(arg)))) {
      checked.push({ path: target, kind: await checkPath(target, context) });
      out.clearProgress();
    }
    if (base !== undefined && !checked.some(({ kind }) => kind === 'adapter' || kind === 'data' || kind === 'run')) {
      const expected = 'it has no effect: only adapters, data and runs are checked against a base model';
      context.report({ file: '--base', severity: 'warning', found: `found ${base}`, expected });
    }
    const errors = problems.filter((p) => p.severity === 'error').length;
    const warnings = problems.length - errors;
    out.record({ checked, errors, warnings, problems });
    out.line(`${count(checked.length, 'path')} checked: ${count(errors, 'error')}, ${count(warnings, 'warning')}`);
    return errors > 0 ? EXIT.refused : EXIT.done;
  },
};

/** Warnings say that they are: `path:line: warning: …`. */
function lineOf(problem: Problem): string {
  if (problem.severity === 'error') return formatProblem(problem);
  return formatProblem({ ...problem, where: problem.where === undefined ? 'warning' : `warning: ${problem.where}` });
}

const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;
