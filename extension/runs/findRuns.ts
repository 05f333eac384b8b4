/** @file Finds run folders on disk: any folder that holds both a run.json and a state.json. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { runFiles } from './runFolder';

/** Folders that hold no runs but can be large. */
const SKIPPED = new Set(['node_modules', '.git', '.hg', '.svn', '__pycache__', '.venv', 'venv', 'dist', 'build']);
const MAX_DEPTH = 6;
/** A workspace with more folders is searched in part rather than for minutes. */
const MAX_FOLDERS = 20_000;

/** Run folders at or below `root`, nearest first. A root that does not exist has none. */
export async function findRuns(root: string): Promise<string[]> {
  const runs: string[] = [];
  let level = [root];
  let visited = 0;
  for (let depth = 0; depth <= MAX_DEPTH && level.length > 0; depth++) {
    const below: string[] = [];
    for (const folder of level) {
      if (++visited > MAX_FOLDERS) return runs;
      const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
      const names = new Set(entries.map((entry) => entry.name));
      // Nothing inside a run folder is another run.
      if (names.has(runFiles.info) && names.has(runFiles.state)) runs.push(folder);
      else
        below.push(...entries.filter((e) => e.isDirectory() && !SKIPPED.has(e.name)).map((e) => join(folder, e.name)));
    }
    level = below;
  }
  return runs;
}
