/** @file The adapter that a command is about, from its argument or from a list, and the base model that belongs to it. */
import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { l10n } from 'vscode';
import { baseOfAdapter } from '../models/baseOfAdapter';
import { readRunContents } from '../runs/runFolder';
import type { Studio } from '../studio';
import { folderArgument, pickModel } from './pick';

/** The argument may be a run, an adapter folder, or the `adapter_config.json` in one; without one of them, the person chooses. */
export async function askAdapter(studio: Studio, title: string, argument: unknown): Promise<string> {
  const given = folderArgument(argument);
  return (
    (given === undefined ? undefined : await adapterFolder(given)) ??
    (await pickModel(studio, { title: l10n.t('{0}: adapter', title), kind: 'adapter' }))
  );
}

/** Suggests the base model that the adapter names. */
export async function askBase(studio: Studio, title: string, adapter: string): Promise<string> {
  return pickModel(studio, {
    title: l10n.t('{0}: base model of {1}', title, basename(adapter)),
    kind: 'checkpoint',
    suggested: await baseOfAdapter(adapter),
  });
}

/** The adapter in a folder: the folder itself, or what a run has made of it so far. */
export async function adapterFolder(path: string): Promise<string | undefined> {
  const folder = basename(path) === 'adapter_config.json' ? dirname(path) : path;
  if (await readText(join(folder, 'adapter_config.json'))) return folder;
  const { adapter, lastCheckpoint } = await readRunContents(folder);
  return adapter ?? lastCheckpoint ?? undefined;
}

async function readText(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch(() => undefined);
}
