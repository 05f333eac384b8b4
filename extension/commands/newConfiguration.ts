/** @file New Configuration: asks for the base model and the data, writes a file that trains, opens it. */
import { basename, join } from 'node:path';
import { FileType, l10n, Uri, window, workspace } from 'vscode';
import { KernelError } from '../../kernels/protocol/errors';
import { CONFIG_SUFFIX } from '../editors/configFiles';
import { pathInConfig } from '../editors/configFormView';
import { configText } from '../editors/newConfigText';
import type { Studio } from '../studio';
import { writeFileAtomic } from '../util/atomicFile';
import { withLongCall } from './withLongCall';
import { cancelled, folderArgument, pick, pickModel, staysOpen } from './pick';

const DATA_FILES = '**/*.{jsonl,json,parquet}';
/** JSON files that are not data. */
const NOT_DATA =
  '**/{node_modules,runs,.vscode}/**,**/{package,package-lock,tsconfig,config,generation_config,tokenizer,tokenizer_config,special_tokens_map,adapter_config,run,state}.json,**/*.index.json';

/** With a checkpoint as argument (from the Models & Adapters view) that question is not asked. */
export async function newConfiguration(studio: Studio, argument?: unknown): Promise<void> {
  const [home] = (workspace.workspaceFolders ?? []).filter((folder) => folder.uri.scheme === 'file');
  if (!home) {
    throw new KernelError('input/refused', l10n.t('Open a folder first: the configuration is a file in it.'));
  }
  const title = l10n.t('New Configuration');
  const model =
    folderArgument(argument) ??
    (await pickModel(studio, { title: l10n.t('{0}: base model', title), kind: 'checkpoint' }));
  const data = await pickData(l10n.t('{0}: training data', title));
  // Read now, so that a pair that does not fit is refused before there is a file.
  const advice = await withLongCall(l10n.t('Looking into {0}', basename(data.path)), (options) =>
    studio.kernel.call('config/advise', { model, data: [data.fsPath] }, options),
  );
  const target = await askName(l10n.t('{0}: file name', title), home.uri, `${basename(model)}-lora`);
  const paths = { model: pathInConfig(target, Uri.file(model)), train: pathInConfig(target, data) };
  await writeFileAtomic(target.fsPath, configText({ ...paths, advice }));
  await studio.form.select(target);
  await studio.configs.refresh();
  await window.showTextDocument(target, { preview: false });
}

async function pickData(title: string): Promise<Uri> {
  const files = await workspace.findFiles(DATA_FILES, `{${NOT_DATA}}`, 200);
  const browse = { label: `$(folder-opened) ${l10n.t('Browse…')}`, alwaysShow: true, value: undefined };
  const choices = files
    .filter((uri) => uri.scheme === 'file')
    .map((uri) => ({ label: workspace.asRelativePath(uri), value: uri }))
    .sort((a, b) => rank(a.value) - rank(b.value) || (a.label < b.label ? -1 : 1));
  const chosen = await pick<Uri | undefined>(title, [...choices, browse], '');
  if (chosen) return chosen;
  const [file] =
    (await window.showOpenDialog({ title, filters: { [l10n.t('Data')]: ['jsonl', 'json', 'parquet'] } })) ?? [];
  if (!file) throw cancelled();
  return file;
}

/** Files named for training first, then JSON Lines, which is data more surely than JSON. */
function rank(uri: Uri): number {
  return (/train/i.test(basename(uri.path)) ? 0 : 2) + (uri.path.endsWith('.json') ? 1 : 0);
}

async function askName(title: string, folder: Uri, suggestion: string): Promise<Uri> {
  const toUri = (name: string) =>
    Uri.file(join(folder.fsPath, name.endsWith(CONFIG_SUFFIX) ? name : name + CONFIG_SUFFIX));
  const name = await window.showInputBox({
    ...staysOpen,
    title,
    value: suggestion,
    prompt: l10n.t('Written to {0} as *.adapter.yaml', basename(folder.fsPath)),
    validateInput: async (value) => {
      if (!/^[^\\/:*?"<>|]+$/.test(value)) return l10n.t('A file name without these characters: \\ / : * ? " < > |');
      return (await exists(toUri(value))) ? l10n.t('{0} exists already.', basename(toUri(value).path)) : undefined;
    },
  });
  if (name === undefined) throw cancelled();
  return toUri(name);
}

async function exists(uri: Uri): Promise<boolean> {
  return workspace.fs.stat(uri).then(
    ({ type }) => type !== FileType.Unknown,
    () => false,
  );
}
