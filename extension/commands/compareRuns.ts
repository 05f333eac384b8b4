/** @file Compare Runs: two to four of them in one dashboard. */
import { l10n } from 'vscode';
import { KernelError } from '../../kernels/protocol/errors';
import { MAX_COMPARED } from '../../webview/protocol/compare';
import type { Studio } from '../studio';
import { pickRuns, runFolderArguments } from './pick';

/** The selected runs; with one of them, the others are asked for. */
export async function compareRuns(studio: Studio, ...args: readonly unknown[]): Promise<void> {
  const given = runFolderArguments(studio, args);
  const folders = given.length >= 2 ? given : [...given, ...(await others(studio, given))];
  if (folders.length > MAX_COMPARED) {
    throw new KernelError(
      'input/refused',
      l10n.t(
        'Found {0} selected runs; expected 2 to {1}, so that their curves can be told apart.',
        folders.length,
        MAX_COMPARED,
      ),
    );
  }
  studio.comparisons.show(folders);
}

async function others(studio: Studio, given: readonly string[]): Promise<readonly string[]> {
  const runs = await pickRuns(studio, {
    title: given.length === 0 ? l10n.t('Compare Runs') : l10n.t('Compare Runs: with'),
    isWanted: (run) => !given.includes(run.folder),
    none: l10n.t('Found fewer than two runs; expected two to compare. Run "Adapter Studio: Train" again first.'),
    min: 2 - given.length,
  });
  return runs.map((run) => run.folder);
}
