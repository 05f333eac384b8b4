/** @file In a workspace that is not trusted one may look at everything, and run nothing. */
import { commands, l10n, window, workspace } from 'vscode';
import { KernelError } from '../../kernels/protocol/errors';

/** Rejects with `cancelled` when the workspace is not trusted, after having said what to do about it. */
export async function requireTrust(): Promise<void> {
  if (workspace.isTrusted) return;
  const manage = l10n.t('Manage Workspace Trust');
  const message = l10n.t('What runs a model, writes or deletes needs a trusted workspace.');
  if ((await window.showWarningMessage(message, manage)) === manage) {
    await commands.executeCommand('workbench.trust.manage');
  }
  throw new KernelError('cancelled', message);
}
