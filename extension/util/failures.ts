/** @file How a failure reaches the person: one message that says what to do, the whole story in the log. */
import { commands, l10n, window, type LogOutputChannel } from 'vscode';
import { formatProblem, KernelError } from '../../kernels/protocol/errors';
import { describeError } from './log';

/** Logs the failure of `what` and shows it. A cancelled action is no failure and is not shown. */
export function reportFailure(log: LogOutputChannel, what: string, error: unknown): void {
  if (isCancelled(error)) {
    log.info(`${what}: cancelled`);
    return;
  }
  log.error(`${what}: ${describeError(error)}`);
  void show(log, messageOf(error), KernelError.is(error) && error.problems.length > 0);
}

export function isCancelled(error: unknown): boolean {
  return KernelError.is(error, 'cancelled') || (error instanceof Error && error.name === 'AbortError');
}

function messageOf(error: unknown): string {
  if (!KernelError.is(error) || error.problems.length === 0)
    return error instanceof Error ? error.message : String(error);
  const [first, ...others] = error.problems;
  const text = formatProblem(first!);
  return others.length === 0 ? text : l10n.t('{0} (and {1} more)', text, others.length);
}

async function show(log: LogOutputChannel, message: string, hasProblems: boolean): Promise<void> {
  const showProblems = l10n.t('Show Problems');
  const showLog = l10n.t('Show Log');
  const choice = await window.showErrorMessage(message, ...(hasProblems ? [showProblems] : []), showLog);
  if (choice === showLog) log.show();
  if (choice === showProblems) await commands.executeCommand('workbench.actions.view.problems');
}
