/** @file What a page shows, saved where the person says: asked for with the editor's own dialog, written whole or not at all. */
import { Buffer } from 'node:buffer';
import { l10n, Uri, window, workspace } from 'vscode';
import { KernelError } from '../../kernels/protocol/errors';
import { writeFileAtomic } from '../util/atomicFile';
import type { Log } from '../util/log';

const PNG_URL = 'data:image/png;base64,';

/** A path that the person chose, in the first workspace folder at first; undefined when the question was left. */
export async function askTarget(name: string, filters: Record<string, string[]>): Promise<string | undefined> {
  const folder = workspace.workspaceFolders?.[0]?.uri;
  const file = name.replace(/[^\p{L}\p{N}_.-]+/gu, '-');
  const defaultUri = folder ? Uri.joinPath(folder, file) : Uri.file(file);
  const target = await window.showSaveDialog({ defaultUri, filters, title: l10n.t('Save') });
  return target?.fsPath;
}

/** A picture that a page drew. Refuses what is no PNG. */
export async function savePicture(name: string, dataUrl: string, log: Log): Promise<void> {
  if (!dataUrl.startsWith(PNG_URL)) {
    throw new KernelError('internal', l10n.t('The page sent something that is not a PNG picture.'));
  }
  const target = await askTarget(`${name}.png`, { PNG: ['png'] });
  if (!target) return;
  await writeFileAtomic(target, Buffer.from(dataUrl.slice(PNG_URL.length), 'base64'));
  log.info(`saved ${target}`);
}
