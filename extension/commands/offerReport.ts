/** @file The result of a merge or unmerge: one message with the number that counts, the whole report one click away. */
import { l10n, Uri, window } from 'vscode';
import type { Studio } from '../studio';
import { inspect } from './inspect';
import { revealPath } from './reveal';

export interface Outcome {
  readonly title: string;
  /** Markdown. */
  readonly text: string;
  readonly message: string;
  readonly folder: string;
  /** The folder is an adapter, which can be looked into. */
  readonly isAdapter?: true;
}

export async function offerReport(studio: Studio, { title, text, message, folder, isAdapter }: Outcome): Promise<void> {
  studio.log.info(message);
  const report = studio.reports.add(title, text);
  const show = l10n.t('Show Report');
  const look = l10n.t('Inspect Adapter');
  const reveal = l10n.t('Reveal Folder');
  const choice = await window.showInformationMessage(message, ...[show, ...(isAdapter ? [look] : []), reveal]);
  if (choice === show) await studio.reports.show(report);
  if (choice === look) await inspect(studio, Uri.file(folder));
  if (choice === reveal) await revealPath(folder);
}
