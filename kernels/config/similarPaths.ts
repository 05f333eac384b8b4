/** @file What lies near a path that leads nowhere: files and folders a person may have meant. */
import { existsSync, readdirSync } from 'node:fs';
import { basename, dirname, extname, join, relative, resolve, sep } from 'node:path';
import type { PathRule } from '../util/fields';
import { similar } from './fixes';

export interface WantedPath extends PathRule {
  /** File that a wanted folder holds. */
  readonly mark?: string | undefined;
}

const MOST_FOLDERS = 400;
const MOST_DEPTH = 4;
const SKIPPED = new Set(['node_modules', 'runs', 'checkpoints', 'dist', 'venv']);

/** Up to three paths, written relative to `folder`, that exist and are what is wanted; the likeliest first. */
export function similarPaths(folder: string, written: string, wanted: WantedPath): string[] {
  const meant = resolve(folder, written);
  const inPlace = entriesOf(dirname(meant), wanted);
  const around = inPlace.length > 0 ? inPlace : findPaths(folder, wanted);
  const byName = new Map(around.map((path) => [basename(path), path]));
  return similar(basename(meant), [...byName.keys()]).flatMap((name) => {
    const path = byName.get(name);
    return path === undefined ? [] : [pathIn(folder, path)];
  });
}

/** Everything below `folder` that is what is wanted, near things first. Hidden folders, and those of runs, are left out. */
export function findPaths(folder: string, wanted: WantedPath): string[] {
  const found: string[] = [];
  let level = [folder];
  let seen = 0;
  for (let depth = 0; depth <= MOST_DEPTH && level.length > 0; depth++) {
    const next: string[] = [];
    for (const dir of level) {
      if (++seen > MOST_FOLDERS) return found;
      const entries = listed(dir);
      found.push(...entriesOf(dir, wanted, entries));
      for (const entry of entries) {
        if (entry.isDirectory() && !entry.name.startsWith('.') && !SKIPPED.has(entry.name))
          next.push(join(dir, entry.name));
      }
    }
    level = next;
  }
  return found;
}

/** How a configuration in `folder` writes a path: relative when it lies below or beside it, with `/` on every system. */
export function pathIn(folder: string, path: string): string {
  const portable = relative(folder, path).split(sep).join('/');
  if (portable === '' || portable.startsWith('../../..') || resolve(portable) === portable) return path;
  return portable.startsWith('.') ? portable : `./${portable}`;
}

interface Entry {
  readonly name: string;
  isDirectory(): boolean;
  isSymbolicLink(): boolean;
}

function entriesOf(
  dir: string,
  { kind, extensions, mark }: WantedPath,
  entries: readonly Entry[] = listed(dir),
): string[] {
  const fits = (entry: Entry) => {
    if (kind === 'file')
      return !entry.isDirectory() && (!extensions || extensions.includes(extname(entry.name).toLowerCase()));
    return (
      (entry.isDirectory() || entry.isSymbolicLink()) && (mark === undefined || existsSync(join(dir, entry.name, mark)))
    );
  };
  return entries.filter(fits).map((entry) => join(dir, entry.name));
}

function listed(dir: string): readonly Entry[] {
  try {
    return readdirSync(dir, { withFileTypes: true });
  } catch {
    return []; // not there, or not ours to read
  }
}
