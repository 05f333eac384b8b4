/** @file Shows the configuration of the form in a text editor. */
import { l10n, window } from 'vscode';
import type { Studio } from '../studio';
import { configurationFor } from './train';

export async function openConfigurationText(studio: Studio, argument?: unknown): Promise<void> {
  const uri = await configurationFor(studio, argument, l10n.t('Open Configuration as Text'));
  await window.showTextDocument(uri, { preview: false });
}
