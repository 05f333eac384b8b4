/** @file Choosing a configuration, a run, a checkpoint or a folder. Leaving a picker cancels the command. */
import { basename } from 'node:path';
import { l10n, QuickPickItemKind, Uri, window, workspace, type QuickPickItem } from 'vscode';
import { KernelError } from '../../kernels/protocol/errors';
import type { ModelEntry } from '../../kernels/protocol/types';
import type { RunSummary } from '../runs/runSummary';
import type { Studio } from '../studio';
import { formatBytes } from '../util/format';
import { runDescription } from '../views/runLabels';

interface Choice<T> extends QuickPickItem {
  readonly value: T;
}

export function cancelled(): KernelError {
  return new KernelError('cancelled', 'Nothing was chosen.');
}

/** A question asked from a page would close again when the page takes the focus back; Escape closes it. */
export const staysOpen = { ignoreFocusOut: true } as const;
const pickOptions = { matchOnDescription: true, matchOnDetail: true, ...staysOpen } as const;

/** The value of the chosen item. Rejects with `cancelled` when none is chosen, with `none` when there is nothing to choose from. */
export async function pick<T>(title: string, choices: readonly Choice<T>[], none: string): Promise<T> {
  if (choices.length === 0) throw new KernelError('input/refused', none);
  const chosen = await window.showQuickPick(choices, { title, ...pickOptions });
  if (!chosen) throw cancelled();
  return chosen.value;
}

/** One of the runs for which `isWanted` holds; the only one is taken without asking. */
export async function pickRun(
  { runs }: Studio,
  title: string,
  isWanted: (run: RunSummary) => boolean,
  none: string,
): Promise<RunSummary> {
  if (!runs.isSearched) await runs.refresh();
  const wanted = runs.runs.filter(isWanted);
  if (wanted.length === 1) return wanted[0]!;
  const choices = wanted.map((run) => ({
    label: run.info.name,
    description: runDescription(run),
    detail: run.folder,
    value: run,
  }));
  return pick(title, choices, none);
}

export interface RunsQuestion {
  readonly title: string;
  readonly isWanted: (run: RunSummary) => boolean;
  readonly none: string;
  /** So many at least. */
  readonly min: number;
}

/** Some of the runs for which `isWanted` holds. Rejects with `cancelled` when fewer than `min` are chosen. */
export async function pickRuns({ runs }: Studio, question: RunsQuestion): Promise<readonly RunSummary[]> {
  const { title, isWanted, none, min } = question;
  if (!runs.isSearched) await runs.refresh();
  const wanted = runs.runs.filter(isWanted);
  if (wanted.length < min) throw new KernelError('input/refused', none);
  const choices = wanted.map((run) => ({
    label: run.info.name,
    description: runDescription(run),
    detail: run.folder,
    run,
  }));
  const chosen = await window.showQuickPick(choices, { title, canPickMany: true, ...pickOptions });
  if (!chosen || chosen.length < min) throw cancelled();
  return chosen.map(({ run }) => run);
}

/**
 * Folders of the runs that a command was called with: from a menu of the Runs view the row and all that are selected, from
 * a key of the view the word `selection`, else one folder or none.
 */
export function runFolderArguments(studio: Studio, [first, selected]: readonly unknown[]): readonly string[] {
  const rows: readonly unknown[] =
    first === 'selection' ? studio.runsView.selection : Array.isArray(selected) ? (selected as unknown[]) : [first];
  return [...new Set(rows.map(folderArgument).filter((folder) => folder !== undefined))];
}

/** One of the configurations of the workspace; the only one is taken without asking. */
export async function pickConfiguration({ configs }: Studio, title: string): Promise<Uri> {
  const files = await configs.list();
  if (files.length === 1) return files[0]!;
  const choices = files.map((uri) => ({ label: workspace.asRelativePath(uri), value: uri }));
  return pick(title, choices, l10n.t('There is no configuration yet. Run "Adapter Studio: New Configuration" first.'));
}

export interface ModelQuestion {
  readonly title: string;
  readonly kind: ModelEntry['kind'];
  /** Offered first. */
  readonly suggested?: { readonly path: string; readonly reason: string } | undefined;
}

/** Folder of a checkpoint or adapter: one that is known, or any other folder. */
export async function pickModel(studio: Studio, { title, kind, suggested }: ModelQuestion): Promise<string> {
  const known = (await studio.models.list()).filter((m) => m.kind === kind && m.path !== suggested?.path);
  const usable = known.filter((model) => model.problem === undefined);
  const listed = new Set(known.map((model) => model.path));
  const browse = Symbol('browse');
  const choices: (QuickPickItem & { value?: string | typeof browse })[] = [
    ...(suggested
      ? [
          {
            label: basename(suggested.path),
            description: suggested.reason,
            detail: suggested.path,
            value: suggested.path,
          },
        ]
      : []),
    ...usable.map((model) => ({
      label: model.name,
      description: `${model.type} · ${formatBytes(model.sizeBytes)}`,
      detail: model.path,
      value: model.path,
    })),
    ...(kind === 'adapter' ? adaptersOfRuns(studio).filter(({ value }) => !listed.has(value)) : []),
    { label: '', kind: QuickPickItemKind.Separator },
    { label: `$(folder-opened) ${l10n.t('Browse…')}`, alwaysShow: true, value: browse },
  ];
  const chosen = await window.showQuickPick(choices, { title, ...pickOptions });
  if (chosen?.value === undefined) throw cancelled();
  return typeof chosen.value === 'string' ? chosen.value : pickFolder(title);
}

/** What runs have made so far: the adapter of a finished one, else the one in the last checkpoint. */
function adaptersOfRuns({ runs }: Studio): Choice<string>[] {
  return runs.runs.flatMap((run) => {
    const value = run.contents.adapter ?? run.contents.lastCheckpoint;
    return value === null ? [] : [{ label: run.info.name, description: runDescription(run), detail: value, value }];
  });
}

export async function pickFolder(title: string): Promise<string> {
  const [folder] =
    (await window.showOpenDialog({ title, canSelectFiles: false, canSelectFolders: true, openLabel: l10n.t('Use') })) ??
    [];
  if (!folder) throw cancelled();
  return folder.fsPath;
}

/** The folder that a command was called with from a tree, the explorer, a dashboard or another extension. */
export function folderArgument(argument: unknown): string | undefined {
  if (argument instanceof Uri) return argument.scheme === 'file' ? argument.fsPath : undefined;
  if (typeof argument !== 'object' || argument === null) return undefined;
  if ('folder' in argument && typeof argument.folder === 'string') return argument.folder;
  if ('path' in argument && typeof argument.path === 'string') return argument.path;
  return undefined;
}
