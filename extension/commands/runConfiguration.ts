/** @file What a run was trained with, once more: its configuration to the clipboard, or as a new file to be changed. */
import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { env, l10n, Uri, window } from 'vscode';
import { KernelError } from '../../kernels/protocol/errors';
import { CONFIG_SUFFIX } from '../editors/configFiles';
import { pathInConfig } from '../editors/configFormView';
import { configDocument, writtenValues } from '../runs/configDocument';
import { readRunInfo } from '../runs/runFolder';
import type { RunInfo } from '../../kernels/protocol/types';
import type { Studio } from '../studio';
import { writeFileAtomic } from '../util/atomicFile';
import { runFolderFor } from './runs';
import { requireTrust } from './trust';

/** As YAML, every path absolute, so that it says the same wherever it is pasted. */
export async function copyConfiguration(studio: Studio, argument?: unknown): Promise<void> {
  const info = await infoOf(studio, argument, l10n.t('Copy Configuration'));
  const comment = l10n.t('The configuration of the run {0}. Keys left out have their default.', info.name);
  const values = writtenValues(info.config, await schema(studio), (path) => path);
  await env.clipboard.writeText(configDocument(values, comment));
  window.setStatusBarMessage(l10n.t('$(check) The configuration of {0} is in the clipboard.', info.name), 4_000);
}

/** Writes a new configuration beside the one that the run was started from, and opens it in the editor and the form. */
export async function trainAgain(studio: Studio, argument?: unknown): Promise<void> {
  await requireTrust();
  const info = await infoOf(studio, argument, l10n.t('Train Again with Changes'));
  const target = newFile(info);
  const comment = l10n.t(
    'The configuration of the run {0}, to be changed. Paths are relative to this file; keys left out have their default.',
    info.name,
  );
  const values = writtenValues(info.config, await schema(studio), (path) => pathInConfig(target, Uri.file(path)));
  await writeFileAtomic(target.fsPath, configDocument(values, comment));
  await studio.form.select(target);
  await studio.configs.refresh();
  await window.showTextDocument(target, { preview: false });
}

async function infoOf(studio: Studio, argument: unknown, title: string): Promise<RunInfo> {
  const none = l10n.t('There is no run yet. Run "Adapter Studio: Train" first.');
  const folder = await runFolderFor(studio, argument, title, () => true, none);
  const info = await readRunInfo(folder);
  if (!info) throw new KernelError('input/refused', l10n.t('{0} is no run: it has no run.json.', folder));
  return info;
}

/** The defaults of the engine that runs now. A run of another version may say more or less than they do. */
async function schema(studio: Studio): Promise<Readonly<Record<string, unknown>>> {
  return (await studio.kernel.call('config/schema', {})).schema;
}

/** `questions-2.adapter.yaml` beside `questions.adapter.yaml`; beside the runs when that folder is gone. */
function newFile(info: RunInfo): Uri {
  const output = info.config['output'];
  const folders = [dirname(info.config_file), ...(typeof output === 'string' ? [dirname(output), output] : [])];
  const folder = folders.find((path) => existsSync(path));
  if (folder === undefined) {
    throw new KernelError(
      'input/refused',
      l10n.t(
        'Found no folder {0}; expected the one that the configuration was in. Make it, or copy the configuration instead.',
        folders[0]!,
      ),
    );
  }
  const name = basename(info.config_file).replace(/(-\d+)?\.adapter\.yaml$/, '') || info.name;
  let number = 2;
  while (existsSync(join(folder, `${name}-${number}${CONFIG_SUFFIX}`))) number++;
  return Uri.file(join(folder, `${name}-${number}${CONFIG_SUFFIX}`));
}
