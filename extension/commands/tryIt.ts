/** @file Try It: models answer a prompt side by side. The argument may be a run, an adapter folder or a checkpoint. */
import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { baseOfAdapter, isCheckpoint } from '../models/baseOfAdapter';
import { readRunContents, readRunInfo } from '../runs/runFolder';
import type { Studio } from '../studio';
import type { TryItOffer } from '../../webview/protocol/tryIt';
import { folderArgument } from './pick';

export async function tryIt(studio: Studio, argument?: unknown): Promise<void> {
  const given = folderArgument(argument);
  const folder = given !== undefined && basename(given) === 'adapter_config.json' ? dirname(given) : given;
  studio.tryIt.show(folder === undefined ? null : await offerOf(folder));
}

/** Null for a folder that is nothing of the kind: the panel then shows what it showed before. */
async function offerOf(folder: string): Promise<TryItOffer | null> {
  const info = await readRunInfo(folder).catch(() => null);
  if (info) {
    const { adapter, lastCheckpoint } = await readRunContents(folder);
    const base = info.config['model'];
    return { base: typeof base === 'string' ? base : null, adapter: adapter ?? lastCheckpoint };
  }
  if (await isFile(join(folder, 'adapter_config.json')))
    return { base: (await baseOfAdapter(folder))?.path ?? null, adapter: folder };
  return (await isCheckpoint(folder)) ? { base: folder, adapter: null } : null;
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}
