/** @file What can be written where a path is wanted: files and folders around the configuration, and models found elsewhere. */
import { readdirSync, existsSync } from 'node:fs';
import path from 'node:path';
import { findPaths, pathIn } from '../config/similarPaths';
import type { Completion } from '../protocol/calls/config';
import type { ModelEntry } from '../protocol/types';
import type { PathRule } from '../util/fields';

/** A file that tells that a folder is what its key asks for. */
const MARKS: Readonly<Record<string, { readonly mark: string; readonly kind: ModelEntry['kind'] }>> = {
  model: { mark: 'config.json', kind: 'checkpoint' },
  init_from: { mark: 'adapter_config.json', kind: 'adapter' },
};

const MOST_ITEMS = 200;

/** `typed`: what stands there so far. Whole paths of what fits come first, then the next step into the folder that is typed. */
export function pathItems(
  rule: PathRule,
  key: string,
  typed: string,
  folder: string,
  models: readonly ModelEntry[],
): Completion[] {
  const mark = MARKS[key]?.mark;
  const kind =
    rule.kind === 'file'
      ? 'file'
      : mark === undefined
        ? 'folder'
        : MARKS[key]?.kind === 'adapter'
          ? 'adapter'
          : 'model';
  const found = rule.kind === 'folder' && mark === undefined ? [] : findPaths(folder, { ...rule, mark });
  const known = models.filter((m) => m.kind === MARKS[key]?.kind && m.problem === undefined);
  const items = new Map<string, Completion>();
  const add = (item: Completion) => items.has(item.insert) || items.size >= MOST_ITEMS || items.set(item.insert, item);
  for (const entry of known) {
    const insert = pathIn(folder, entry.path);
    add({ kind, label: insert, insert, detail: entry.name === insert ? entry.type : `${entry.name} · ${entry.type}` });
  }
  for (const target of found) {
    const insert = pathIn(folder, target);
    add({ kind, label: insert, insert });
  }
  for (const item of steps(rule, mark, kind, typed, folder)) add(item);
  return [...items.values()];
}

/** Entries of the folder that is typed so far: folders to go on into, and what fits. */
function* steps(
  rule: PathRule,
  mark: string | undefined,
  kind: Completion['kind'],
  typed: string,
  folder: string,
): Generator<Completion> {
  const prefix = typed.slice(0, typed.lastIndexOf('/') + 1);
  const dir = path.resolve(folder, prefix);
  for (const entry of listed(dir)) {
    if (entry.name.startsWith('.') || entry.name === 'node_modules') continue;
    const insert = prefix + entry.name;
    const isFolder = entry.isDirectory() || entry.isSymbolicLink();
    const fits =
      rule.kind === 'file'
        ? !entry.isDirectory() && (rule.extensions ?? []).includes(path.extname(entry.name).toLowerCase())
        : isFolder && (mark === undefined || existsSync(path.join(dir, entry.name, mark)));
    if (fits) yield { kind, label: insert, insert };
    else if (isFolder) yield { kind: 'folder', label: `${insert}/`, insert: `${insert}/`, hasMore: true };
  }
}

function listed(dir: string) {
  try {
    return readdirSync(dir, { withFileTypes: true });
  } catch {
    return []; // not there, or not ours to read
  }
}
