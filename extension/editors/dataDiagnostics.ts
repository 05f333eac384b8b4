/** @file Problems of data files in the Problems view, by line; a file that two configurations name says each thing once. */
import { languages, Uri, type Diagnostic } from 'vscode';
import type { Problem } from '../../kernels/protocol/errors';
import { Owner } from '../util/disposables';
import { toDiagnostic } from './configDiagnostics';
import type { DataChecks } from './dataChecks';

export class DataDiagnostics extends Owner {
  private readonly collection = this.register(languages.createDiagnosticCollection('adapterStudio.data'));
  private readonly byConfig = new Map<string, ReadonlyMap<string, readonly Problem[]>>();

  constructor(private readonly checks: Pick<DataChecks, 'onDidCheck' | 'report'>) {
    super();
    this.register(checks.onDidCheck((config) => this.update(config)));
  }

  private update(config: Uri): void {
    const key = config.toString();
    const touched = new Set(this.byConfig.get(key)?.keys());
    const report = this.checks.report(config);
    const groups = new Map<string, Problem[]>();
    for (const problem of report?.problems ?? []) {
      const group = groups.get(problem.file) ?? [];
      group.push(problem);
      groups.set(problem.file, group);
      touched.add(problem.file);
    }
    if (report) this.byConfig.set(key, groups);
    else this.byConfig.delete(key);
    for (const file of touched) this.collection.set(Uri.file(file), this.diagnosticsOf(file));
  }

  private diagnosticsOf(file: string): Diagnostic[] {
    const all = [...this.byConfig.values()].flatMap((groups) => (groups.get(file) ?? []).map(toDiagnostic));
    const byText = new Map(all.map((d) => [`${d.range.start.line} ${d.message}`, d]));
    return [...byText.values()];
  }
}
