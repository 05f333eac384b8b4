/** @file Runs go to the trash, folder and all, once the person has said so; one that is at work does not. */
import { l10n, Uri, window, workspace } from 'vscode';
import { KernelError } from '../../kernels/protocol/errors';
import { isLive } from '../runs/liveness';
import { readRunSummary, type RunSummary } from '../runs/runSummary';
import type { Studio } from '../studio';
import { cancelled, pickRuns, runFolderArguments } from './pick';
import { requireTrust } from './trust';

export async function deleteRuns(studio: Studio, ...args: readonly unknown[]): Promise<void> {
  await requireTrust();
  const runs = await chosenRuns(studio, args);
  const names = runs.map((run) => run.info.name).join(', ');
  const toTrash = l10n.t('Move to Trash');
  const question =
    runs.length === 1
      ? l10n.t('Delete the run {0} with its checkpoints and its adapter?', names)
      : l10n.t('Delete {0} runs with their checkpoints and adapters?', runs.length);
  const detail = runs.map((run) => run.folder).join('\n');
  if ((await window.showWarningMessage(question, { modal: true, detail }, toTrash)) !== toTrash) throw cancelled();
  const permanent = await deleteAll(runs);
  if (permanent.length > 0) await deleteForEver(permanent);
  for (const run of runs) {
    studio.dashboards.close(run.folder);
    studio.log.info(`run deleted: ${run.folder}`);
  }
  await studio.runs.refresh();
}

/** Moves each to the trash; returns those that could not, because the machine has none. */
async function deleteAll(runs: readonly RunSummary[]): Promise<readonly { run: RunSummary; reason: string }[]> {
  const left: { run: RunSummary; reason: string }[] = [];
  for (const run of runs) {
    await requireRest(run);
    try {
      await workspace.fs.delete(Uri.file(run.folder), { recursive: true, useTrash: true });
    } catch (error) {
      left.push({ run, reason: error instanceof Error ? error.message : String(error) });
    }
  }
  return left;
}

/** Remote machines, for instance, have no trash that the editor knows. */
async function deleteForEver(left: readonly { run: RunSummary; reason: string }[]): Promise<void> {
  const forEver = l10n.t('Delete Permanently');
  const [first] = left;
  const message = l10n.t('There is no trash here, so what is deleted cannot be brought back.');
  const detail = [...left.map(({ run }) => run.folder), '', first!.reason].join('\n');
  if ((await window.showWarningMessage(message, { modal: true, detail }, forEver)) !== forEver) throw cancelled();
  for (const { run } of left) {
    await requireRest(run);
    await workspace.fs.delete(Uri.file(run.folder), { recursive: true, useTrash: false });
  }
}

async function chosenRuns(studio: Studio, args: readonly unknown[]): Promise<readonly RunSummary[]> {
  const folders = runFolderArguments(studio, args);
  if (folders.length === 0) {
    const none = l10n.t('There is no run that could be deleted.');
    return pickRuns(studio, { title: l10n.t('Delete Runs'), isWanted: (run) => !isLive(run.state), none, min: 1 });
  }
  const found = await Promise.all(folders.map((folder) => readRunSummary(folder)));
  const runs = found.filter((run) => run !== null);
  // What is no run must not be deleted by a command about runs, whoever calls it.
  if (runs.length < folders.length) {
    throw new KernelError('input/refused', l10n.t('{0} is no run folder.', folders[found.indexOf(null)]!));
  }
  const live = runs.find((run) => isLive(run.state));
  if (live) throw refusal(live);
  return runs;
}

/** The state may have changed while the question was open. */
async function requireRest(run: RunSummary): Promise<void> {
  const now = await readRunSummary(run.folder);
  if (now && isLive(now.state)) throw refusal(now);
}

function refusal(run: RunSummary): KernelError {
  return new KernelError(
    'input/refused',
    l10n.t('The run {0} is at work. Stop it first, then it can be deleted.', run.info.name),
  );
}
