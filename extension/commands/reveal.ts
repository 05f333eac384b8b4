/** @file Shows where a file is: in the explorer when the workspace has it, else in the file manager, else in words. */
import { commands, env, l10n, Uri, window, workspace } from 'vscode';

export async function revealPath(path: string): Promise<void> {
  const uri = Uri.file(path);
  if (workspace.getWorkspaceFolder(uri)) {
    await commands.executeCommand('revealInExplorer', uri);
  } else if (env.remoteName === undefined) {
    await commands.executeCommand('revealFileInOS', uri);
  } else {
    // A remote machine has no file manager that could be opened from here.
    const copy = l10n.t('Copy Path');
    if ((await window.showInformationMessage(path, copy)) === copy) await env.clipboard.writeText(path);
  }
}
