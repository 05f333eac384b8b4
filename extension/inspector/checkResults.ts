/** @file What a check of files has found, in the Problems view. */
import { Diagnostic, DiagnosticSeverity, languages, Range, Uri } from 'vscode';
import type { Problem } from '../../kernels/protocol/errors';
import { Owner } from '../util/disposables';

export class CheckResults extends Owner {
  private readonly diagnostics = this.register(languages.createDiagnosticCollection('adapterStudio.check'));
  /** What each check has found, so that a repeated one replaces its own results only. */
  private readonly byTarget = new Map<string, readonly Problem[]>();

  show(target: string, problems: readonly Problem[]): void {
    this.byTarget.set(target, problems);
    this.diagnostics.clear();
    const byFile = new Map<string, Diagnostic[]>();
    for (const problem of [...this.byTarget.values()].flat()) {
      byFile.set(problem.file, [...(byFile.get(problem.file) ?? []), diagnosticOf(problem)]);
    }
    for (const [file, list] of byFile) this.diagnostics.set(Uri.file(file), list);
  }
}

/** A weight file has no lines: the tensor is named in the text. */
function diagnosticOf({ line = 1, column = 1, endLine, endColumn, where, severity, found, expected }: Problem) {
  const range = new Range(
    line - 1,
    column - 1,
    (endLine ?? line) - 1,
    endColumn === undefined ? 10_000 : endColumn - 1,
  );
  const text = `${where === undefined ? '' : `${where}: `}${found}; ${expected}`;
  const kind = severity === 'error' ? DiagnosticSeverity.Error : DiagnosticSeverity.Warning;
  const diagnostic = new Diagnostic(range, text, kind);
  diagnostic.source = 'Adapter Studio';
  return diagnostic;
}
