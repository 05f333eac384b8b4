/** @file Which checkpoint on this machine an adapter was trained on. */
import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { l10n } from 'vscode';
import { readRunInfo } from '../runs/runFolder';

/** The base that the run was made with, else the one that the adapter names, when it is a folder on this machine. */
export async function baseOfAdapter(adapter: string): Promise<{ path: string; reason: string } | undefined> {
  for (const folder of [dirname(adapter), dirname(dirname(adapter))]) {
    const info = await readRunInfo(folder).catch(() => null);
    const model = info?.config['model'];
    if (typeof model === 'string' && (await isCheckpoint(model))) {
      return { path: model, reason: l10n.t('the base of the run') };
    }
  }
  const config = await readFile(join(adapter, 'adapter_config.json'), 'utf8')
    .then((text): unknown => JSON.parse(text))
    .catch(() => undefined);
  const isNamed = typeof config === 'object' && config !== null && 'base_model_name_or_path' in config;
  if (!isNamed || typeof config.base_model_name_or_path !== 'string') return undefined;
  const path = resolve(adapter, config.base_model_name_or_path);
  return (await isCheckpoint(path)) ? { path, reason: l10n.t('named in the adapter') } : undefined;
}

export async function isCheckpoint(folder: string): Promise<boolean> {
  return readFile(join(folder, 'config.json')).then(
    () => true,
    () => false,
  );
}
