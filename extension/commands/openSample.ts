/** @file Open Sample: a copy of the bundled sample workspace, in a folder that the person chooses, to try everything with. */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { commands, l10n, Uri, window, workspace } from 'vscode';
import { cancelled } from './pick';
import type { Studio } from '../studio';

const NAME = 'adapter-studio-sample';
/** Opened with the folder, so that its Train is in view. */
const CONFIGURATION = 'questions.adapter.yaml';

export async function openSample({ extensionUri, log }: Studio): Promise<void> {
  const [parent] =
    (await window.showOpenDialog({
      title: l10n.t('Folder to put the sample in'),
      openLabel: l10n.t('Put Sample Here'),
      canSelectFiles: false,
      canSelectFolders: true,
      defaultUri: Uri.file(homedir()),
    })) ?? [];
  if (!parent) throw cancelled();
  const folder = freeFolder(parent.fsPath);
  await copyWhole(Uri.joinPath(extensionUri, 'media', 'sample').fsPath, folder);
  log.info(`sample copied to ${folder}`);
  await open(Uri.file(folder));
}

/** Copied beside the target and renamed, so that what is there is whole. */
async function copyWhole(from: string, to: string): Promise<void> {
  const temporary = `${to}.${randomBytes(4).toString('hex')}.tmp`;
  try {
    await cp(from, temporary, { recursive: true });
    await rename(temporary, to);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
}

function freeFolder(parent: string): string {
  let folder = join(parent, NAME);
  for (let number = 2; existsSync(folder); number++) folder = join(parent, `${NAME}-${number}`);
  return folder;
}

/** In this window when it holds nothing yet; a window at work is left alone unless the person wants otherwise. */
async function open(folder: Uri): Promise<void> {
  const filesToOpen = [Uri.joinPath(folder, CONFIGURATION)];
  if ((workspace.workspaceFolders ?? []).length === 0) {
    await commands.executeCommand('vscode.openFolder', folder, { forceReuseWindow: true, filesToOpen });
    return;
  }
  const here = l10n.t('Open in This Window');
  const other = l10n.t('Open in New Window');
  const choice = await window.showInformationMessage(l10n.t('The sample is in {0}.', folder.fsPath), other, here);
  if (choice === undefined) return;
  await commands.executeCommand(
    'vscode.openFolder',
    folder,
    choice === here ? { forceReuseWindow: true, filesToOpen } : { forceNewWindow: true, filesToOpen },
  );
}
