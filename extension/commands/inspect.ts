/** @file Inspect: opens an adapter, a checkpoint or a weight file in the inspector. */
import { l10n, QuickPickItemKind, window, type QuickPickItem } from 'vscode';
import type { ModelEntry } from '../../kernels/protocol/types';
import { fileToInspect, isFolder, openInspector } from '../inspector/inspectorFiles';
import type { Studio } from '../studio';
import { formatBytes } from '../util/format';
import { adapterFolder } from './askAdapter';
import { cancelled, folderArgument, pickFolder, staysOpen } from './pick';

/** The argument may be a file, an adapter or checkpoint folder, or a run; without one the person is asked. */
export async function inspect(studio: Studio, argument?: unknown): Promise<void> {
  const path = folderArgument(argument) ?? (await ask(studio));
  const file = fileToInspect(path);
  // A folder without weights may be a run, which has an adapter further down.
  const adapter = isFolder(file) ? await adapterFolder(file) : undefined;
  const target = adapter === undefined ? file : fileToInspect(adapter);
  // What is still a folder holds nothing to look into: the engine's refusal says what was expected.
  if (isFolder(target)) await studio.kernel.call('inspect/open', { path: target });
  else await openInspector(target);
}

async function ask({ models }: Studio): Promise<string> {
  const title = l10n.t('Inspect');
  const known = await models.list();
  const choices: (QuickPickItem & { readonly choose: () => Promise<string> })[] = [
    { label: `$(file) ${l10n.t('A file…')}`, choose: () => pickFile(title) },
    { label: `$(folder) ${l10n.t('A folder…')}`, choose: () => pickFolder(title) },
    ...group(l10n.t('adapters'), known, 'adapter'),
    ...group(l10n.t('checkpoints'), known, 'checkpoint'),
  ];
  const options = { title, matchOnDescription: true, matchOnDetail: true, ...staysOpen };
  const chosen = await window.showQuickPick(choices, options);
  if (!chosen) throw cancelled();
  return chosen.choose();
}

function group(label: string, models: readonly ModelEntry[], kind: ModelEntry['kind']) {
  const items = models
    .filter((model) => model.kind === kind)
    .map(({ name, type, sizeBytes, path }) => ({
      label: name,
      description: `${type}, ${formatBytes(sizeBytes)}`,
      detail: path,
      choose: () => Promise.resolve(path),
    }));
  const separator = { label, kind: QuickPickItemKind.Separator, choose: () => Promise.resolve('') };
  return items.length === 0 ? [] : [separator, ...items];
}

async function pickFile(title: string): Promise<string> {
  const filters = { [l10n.t('Weights')]: ['safetensors', 'json'], [l10n.t('All files')]: ['*'] };
  const [file] = (await window.showOpenDialog({ title, filters, openLabel: l10n.t('Inspect') })) ?? [];
  if (!file) throw cancelled();
  return file.fsPath;
}
