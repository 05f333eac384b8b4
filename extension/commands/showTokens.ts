/** @file Show Tokens: the samples of a configuration as training reads them. */
import { l10n } from 'vscode';
import type { Studio } from '../studio';
import { configurationFor } from './train';

export async function showTokens(studio: Studio, argument?: unknown): Promise<void> {
  studio.tokens.show(await configurationFor(studio, argument, l10n.t('Show Tokens')));
}
