/**
 * @file What was merged into a checkpoint: `unmerge/record.json` in its folder, the oldest merge first. In a folder of its own, so
 * that no other program takes it for a part of the model. By it unmerging knows that it takes out what is in there.
 */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import * as l10n from '@vscode/l10n';
import { makeFolders, writeFileAtomic } from '../formats/atomicFile';
import { anyObject, exactly, listOf, objectOf, optional, readRuledJson, text } from '../formats/jsonRules';
import type { AdapterIdentity } from './adapterIdentity';

const FOLDER = 'unmerge';
const FILE = 'record.json';

export interface RecordedMerge {
  readonly adapter: AdapterIdentity;
  /** The way of merging, where it was another than the adapter says. */
  readonly way?: string;
  /** Digests of the weights, sampled: of what the adapter was merged into, and of what came out. */
  readonly base: string;
  readonly merged: string;
  /** File beside this one with tensors that the way back needs (`MergeRecord`). */
  readonly tensors?: string;
}

interface Stored {
  readonly version: 1;
  readonly merges: readonly RecordedMerge[];
}

const adapter = objectOf({ method: text, config: anyObject, tensors: text });
const rules = {
  version: exactly(1),
  merges: listOf(objectOf({ adapter, way: optional(text), base: text, merged: text, tensors: optional(text) })),
};

/** The file that tells the history of a folder, for messages too. */
export const historyFile = (dir: string): string => path.join(dir, FOLDER, FILE);

/** Empty where nothing is recorded. Throws `format/invalid` for a damaged file. */
export function readHistory(dir: string): readonly RecordedMerge[] {
  const file = historyFile(dir);
  if (!existsSync(file)) return [];
  return readRuledJson<Stored>(file, l10n.t('expected the record of what was merged'), rules).merges;
}

/** The file of the tensors that the merge after `before` others notes, relative to the folder. */
export const tensorsFileAfter = (before: number): string =>
  before === 0 ? 'record.safetensors' : `record-${before + 1}.safetensors`;

/** The path of the tensors that a merge noted, in the folder whatever the record says; null where it noted none. */
export function tensorsPath(dir: string, { tensors }: Pick<RecordedMerge, 'tensors'>): string | null {
  return tensors === undefined ? null : path.join(dir, FOLDER, path.basename(tensors));
}

/** Writes the history of a folder; the tensors of earlier merges are those of `from`. Nothing for an empty one. */
export function writeHistory(dir: string, merges: readonly RecordedMerge[], from: string): void {
  if (merges.length === 0) return;
  makeFolders(path.join(dir, FOLDER));
  for (const merge of merges) {
    const [source, target] = [tensorsPath(from, merge), tensorsPath(dir, merge)];
    if (source === null || target === null || existsSync(target) || !existsSync(source)) continue;
    writeFileAtomic(target, readFileSync(source));
  }
  const stored: Stored = { version: 1, merges };
  writeFileAtomic(historyFile(dir), `${JSON.stringify(stored, null, 2)}\n`);
}
