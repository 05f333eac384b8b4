/** @file Asks where a new checkpoint folder goes: a path that is not there yet, so that nothing is overwritten. */
import { existsSync } from 'node:fs';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { l10n, window, workspace } from 'vscode';
import { cancelled, staysOpen } from './pick';

/** Absolute path of a folder that does not exist. `name` is suggested, numbered when it is taken. */
export async function askOutputFolder(title: string, name: string): Promise<string> {
  const home = workspace.workspaceFolders?.find((folder) => folder.uri.scheme === 'file')?.uri.fsPath ?? '';
  const suggestion = freePath(join(home, name));
  const path = await window.showInputBox({
    ...staysOpen,
    title,
    value: suggestion,
    valueSelection: [suggestion.length - basename(suggestion).length, suggestion.length],
    prompt: l10n.t('Folder to make'),
    validateInput: (value) => {
      if (!isAbsolute(value)) return l10n.t('An absolute path.');
      if (existsSync(value)) return l10n.t('{0} exists already.', value);
      return existsSync(dirname(value)) ? undefined : l10n.t('There is no folder {0}.', dirname(value));
    },
  });
  if (path === undefined) throw cancelled();
  return path;
}

function freePath(path: string): string {
  if (!existsSync(path)) return path;
  let number = 2;
  while (existsSync(`${path}-${number}`)) number++;
  return `${path}-${number}`;
}
