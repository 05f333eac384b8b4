/** @file Check: reads an adapter, a checkpoint or a file completely; what is wrong goes to the Problems view. */
import { basename } from 'node:path';
import { commands, l10n, window } from 'vscode';
import type { Studio } from '../studio';
import { folderArgument, pickFolder } from './pick';
import { withLongCall } from './withLongCall';

/** The argument may be a file or a folder; without one the person is asked for a folder. */
export async function check({ kernel, checkResults }: Studio, argument?: unknown): Promise<void> {
  const path = folderArgument(argument) ?? (await pickFolder(l10n.t('Check')));
  const { problems } = await withLongCall(l10n.t('Checking {0}', basename(path)), (options) =>
    kernel.call('inspect/check', { path }, options),
  );
  checkResults.show(path, problems);
  if (problems.length === 0) {
    void window.showInformationMessage(l10n.t('{0} was read completely; nothing is wrong.', basename(path)));
    return;
  }
  const errors = problems.filter(({ severity }) => severity === 'error').length;
  const message =
    errors === 0
      ? l10n.t('{0} can be used; warnings: {1}.', basename(path), problems.length)
      : l10n.t('{0} cannot be used as it is; problems: {1}.', basename(path), problems.length);
  const show = l10n.t('Show Problems');
  const choice = await (errors === 0
    ? window.showWarningMessage(message, show)
    : window.showErrorMessage(message, show));
  if (choice === show) await commands.executeCommand('workbench.actions.view.problems');
}
