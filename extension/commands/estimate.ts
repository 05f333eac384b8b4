/** @file Estimate: what a configuration will need, in a panel beside it. */
import { l10n } from 'vscode';
import type { Studio } from '../studio';
import { configurationFor } from './train';

/** Of the configuration given as a Uri, else the one in the active editor or the form, else one that is asked for. */
export async function estimate(studio: Studio, argument?: unknown): Promise<void> {
  studio.estimates.show(await configurationFor(studio, argument, l10n.t('Estimate')));
}
