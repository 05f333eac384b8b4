/** @file Problems of configurations in the Problems view, at the line that is wrong, in whichever file that is. */
import { dirname, resolve } from 'node:path';
import { Diagnostic, DiagnosticSeverity, languages, Position, Range, Uri } from 'vscode';
import type { Problem } from '../../kernels/protocol/errors';
import { Owner } from '../util/disposables';
import type { ConfigChecks } from './configChecks';

export class ConfigDiagnostics extends Owner {
  private readonly collection = this.register(languages.createDiagnosticCollection('adapterStudio'));
  /** A problem may be in a data file that two configurations name, so what each of them says is kept apart. */
  private readonly byConfig = new Map<string, ReadonlyMap<string, readonly Diagnostic[]>>();

  constructor(checks: ConfigChecks) {
    super();
    this.register(checks.onDidCheck((uri) => this.set(uri, checks.get(uri)?.problems ?? [])));
    this.register(checks.onDidForget((uri) => this.set(uri, [])));
  }

  private set(config: Uri, problems: readonly Problem[]): void {
    const key = config.toString();
    const files = new Set(this.byConfig.get(key)?.keys());
    const groups = new Map<string, Diagnostic[]>();
    for (const problem of problems) {
      const file = Uri.file(resolve(dirname(config.fsPath), problem.file)).toString();
      files.add(file);
      groups.set(file, [...(groups.get(file) ?? []), toDiagnostic(problem)]);
    }
    if (groups.size === 0) this.byConfig.delete(key);
    else this.byConfig.set(key, groups);
    for (const file of files) {
      const all = [...this.byConfig.values()].flatMap((group) => group.get(file) ?? []);
      this.collection.set(Uri.parse(file), all);
    }
  }
}

/** Problems count lines and columns from 1 and may leave them out; without a column the whole line is marked. */
export function toDiagnostic(problem: Problem): Diagnostic {
  const line = Math.max(0, (problem.line ?? 1) - 1);
  const start = new Position(line, Math.max(0, (problem.column ?? 1) - 1));
  const end =
    problem.endLine === undefined
      ? new Position(line, Number.MAX_SAFE_INTEGER)
      : new Position(problem.endLine - 1, Math.max(0, (problem.endColumn ?? 1) - 1));
  const where = problem.where ? `${problem.where}: ` : '';
  const diagnostic = new Diagnostic(
    new Range(start, end),
    `${where}${problem.found}; ${problem.expected}`,
    problem.severity === 'error' ? DiagnosticSeverity.Error : DiagnosticSeverity.Warning,
  );
  diagnostic.source = 'Adapter Studio';
  return diagnostic;
}
