/** @file Train: starts a run from a configuration as it is on disk, and opens its dashboard. */
import { l10n, Uri, window, workspace, type TextDocument } from 'vscode';
import type { RunMode } from '../../kernels/protocol/calls/runs';
import { KernelError } from '../../kernels/protocol/errors';
import { isConfigFile } from '../editors/configFiles';
import { whenBusy } from '../settings';
import type { Studio } from '../studio';
import { cancelled, pickConfiguration } from './pick';
import { requireTrust } from './trust';
import { withLongCall } from './withLongCall';

/** Configurations whose run is being started: a second click must not start a second run. */
const starting = new Set<string>();

/** Trains the configuration given as a Uri, else the one in the active editor or the form, else one that is asked for. */
export async function train(studio: Studio, argument?: unknown): Promise<void> {
  await requireTrust();
  const uri = await configurationFor(studio, argument, l10n.t('Train'));
  const key = uri.toString();
  if (starting.has(key)) return;
  starting.add(key);
  try {
    await requireSaved(await workspace.openTextDocument(uri));
    const mode = await placeForRun(studio);
    // Reading the data and making its tokens can take minutes the first time.
    const { run } = await withLongCall(l10n.t('Starting {0}', workspace.asRelativePath(uri)), (options) =>
      studio.kernel.call('run/start', { config: uri.fsPath, ...(mode && { mode }) }, options),
    );
    studio.log.info(`run started: ${run}`);
    await studio.runs.add(run);
    studio.dashboards.show(run);
  } finally {
    starting.delete(key);
  }
}

/** Whether the run waits while others are live on this machine, in whatever window; undefined when none is. */
async function placeForRun({ kernel }: Studio): Promise<RunMode | undefined> {
  const { runs: others } = await kernel.call('run/live', {});
  if (others.length === 0) return undefined;
  const setting = whenBusy();
  if (setting !== 'ask') return setting;
  const queue = l10n.t('Queue After It');
  const beside = l10n.t('Train Beside It');
  const names = others.map((run) => run.name).join(', ');
  const message =
    others.length === 1
      ? l10n.t('The run {0} is at work on this machine.', names)
      : l10n.t('{0} runs are at work or queued on this machine: {1}.', others.length, names);
  const detail = l10n.t(
    'A queued run begins when those before it have ended, also when this window is closed. Side by side both are slower, and need their memory at the same time.',
  );
  const choice = await window.showInformationMessage(message, { modal: true, detail }, queue, beside);
  if (choice === undefined) throw cancelled();
  return choice === queue ? 'queue' : 'beside';
}

/** The configuration that a command is about. */
export async function configurationFor(studio: Studio, argument: unknown, title: string): Promise<Uri> {
  if (argument instanceof Uri) {
    if (isConfigFile(argument)) return argument;
    throw new KernelError('input/refused', l10n.t('{0} is not an *.adapter.yaml file on disk.', argument.path));
  }
  const active = window.activeTextEditor?.document.uri;
  if (active && isConfigFile(active)) return active;
  return (await studio.form.current()) ?? pickConfiguration(studio, title);
}

/** A run reads the file, so what is not saved would silently not be trained. Saving is the person's decision. */
async function requireSaved(document: TextDocument): Promise<void> {
  if (!document.isDirty) return;
  const save = l10n.t('Save and Train');
  const message = l10n.t('{0} has changes that are not saved.', workspace.asRelativePath(document.uri));
  const choice = await window.showWarningMessage(message, { modal: true }, save);
  if (choice !== save) throw cancelled();
  if (!(await document.save())) {
    throw new KernelError('machine/failed', l10n.t('{0} could not be saved.', workspace.asRelativePath(document.uri)));
  }
}
