/** @file Quick fixes: the ways to put a problem of a configuration right that the engine has named with it. */
import {
  CodeAction,
  CodeActionKind,
  languages,
  Range,
  WorkspaceEdit,
  type CodeActionContext,
  type CodeActionProvider,
  type TextDocument,
} from 'vscode';
import type { Fix, Problem } from '../../kernels/protocol/errors';
import { Owner } from '../util/disposables';
import type { ConfigChecks } from './configChecks';
import { toDiagnostic } from './configDiagnostics';
import { CONFIG_SELECTOR } from './configFiles';
import { keyEdits } from './keyEdits';

export class ConfigFixes extends Owner implements CodeActionProvider {
  constructor(private readonly checks: Pick<ConfigChecks, 'get'>) {
    super();
    const providedCodeActionKinds = [CodeActionKind.QuickFix];
    this.register(languages.registerCodeActionsProvider(CONFIG_SELECTOR, this, { providedCodeActionKinds }));
  }

  provideCodeActions(document: TextDocument, _: Range, { diagnostics }: CodeActionContext): CodeAction[] {
    const problems = this.checks.get(document.uri)?.problems ?? [];
    return problems.flatMap((problem) => {
      // The message tells problems apart; the place may have moved since they were found.
      const { message } = toDiagnostic(problem);
      const diagnostic = diagnostics.find((shown) => shown.message === message);
      if (!diagnostic || !problem.fixes) return [];
      return problem.fixes.flatMap((fix, i) => {
        const edit = editOf(document, fix, problem);
        if (!edit) return [];
        const action = new CodeAction(fix.title, CodeActionKind.QuickFix);
        action.diagnostics = [diagnostic];
        action.edit = edit;
        action.isPreferred = i === 0;
        return [action];
      });
    });
  }
}

/** Edits are by key path, so that they fit the text as it is now; one that cannot be made in it is not offered. */
function editOf(document: TextDocument, { edits }: Fix, problem: Problem): WorkspaceEdit | undefined {
  if (problem.file !== document.uri.fsPath) return undefined;
  try {
    const replacement = keyEdits(document.getText(), edits);
    if (!replacement) return undefined;
    const { start, end, text } = replacement;
    const edit = new WorkspaceEdit();
    edit.replace(document.uri, new Range(document.positionAt(start), document.positionAt(end)), text);
    return edit;
  } catch {
    return undefined; // the text is not valid YAML at this moment
  }
}
