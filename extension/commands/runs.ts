/** @file Commands of a run: dashboard, stop, resume, show the folder; and the filter of their view. */
import { join } from 'node:path';
import { l10n, ProgressLocation, window } from 'vscode';
import { capabilities, type RunSummary } from '../runs/runSummary';
import { runFiles } from '../runs/runFolder';
import type { Studio } from '../studio';
import { toAbortSignal } from '../util/cancellation';
import { folderArgument, pickRun } from './pick';
import { revealPath } from './reveal';
import { requireTrust } from './trust';

/** `keepsFocus` true: the dashboard is shown and the focus stays where it is. Menus give something else in that place. */
export async function openDashboard(studio: Studio, argument?: unknown, keepsFocus?: unknown): Promise<void> {
  const none = l10n.t('There is no run yet. Run "Adapter Studio: Train" first.');
  const folder = await runFolderFor(studio, argument, l10n.t('Open Dashboard'), () => true, none);
  studio.dashboards.show(folder, keepsFocus === true);
}

/** Returns when the run has saved its checkpoint and stopped, or, when it was queued, has left the queue. */
export async function stopRun(studio: Studio, argument?: unknown): Promise<void> {
  await requireTrust();
  const none = l10n.t('No run is at work.');
  const run = await runFolderFor(studio, argument, l10n.t('Stop Run'), (r) => capabilities(r).stop, none);
  const isQueued = studio.runs.get(run)?.state.status === 'queued';
  const title = isQueued ? l10n.t('Leaving the queue…') : l10n.t('Saving a checkpoint and stopping…');
  const { step } = await window.withProgress(
    { location: ProgressLocation.Notification, title, cancellable: true },
    (_, token) => studio.kernel.call('run/stop', { run }, { signal: toAbortSignal(token) }),
  );
  studio.log.info(`run stopped at step ${step}: ${run}`);
  await studio.runs.add(run);
}

export async function resumeRun(studio: Studio, argument?: unknown): Promise<void> {
  await requireTrust();
  const none = l10n.t('No run was stopped after a checkpoint, so there is none to resume.');
  const folder = await runFolderFor(studio, argument, l10n.t('Resume Run'), (r) => capabilities(r).resume, none);
  const { run } = await window.withProgress({ location: ProgressLocation.Window, title: l10n.t('Resuming…') }, () =>
    studio.kernel.call('run/resume', { run: folder }),
  );
  studio.log.info(`run resumed: ${run}`);
  await studio.runs.add(run);
  studio.dashboards.show(run);
}

export async function filterRuns(studio: Studio): Promise<void> {
  await studio.runsView.askFilter();
}

export async function revealRun(studio: Studio, argument?: unknown): Promise<void> {
  const none = l10n.t('There is no run yet. Run "Adapter Studio: Train" first.');
  const folder = await runFolderFor(studio, argument, l10n.t('Reveal Run Folder'), () => true, none);
  await revealPath(join(folder, runFiles.info));
}

export async function runFolderFor(
  studio: Studio,
  argument: unknown,
  title: string,
  isWanted: (run: RunSummary) => boolean,
  none: string,
): Promise<string> {
  return folderArgument(argument) ?? (await pickRun(studio, title, isWanted, none)).folder;
}
