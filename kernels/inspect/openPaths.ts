/** @file Keeps a few paths open between calls, so that each tile of a heat map does not read the headers again. */
import { statSync } from 'node:fs';
import path from 'node:path';
import type { InspectedPath } from './inspectedPath';
import { openPath } from './inspectedPath';

/** More are open only while calls that are running use them. */
const MAX_OPEN = 4;

interface Entry {
  readonly opened: InspectedPath;
  /** Of every file when it was opened. */
  readonly stamp: string;
  users: number;
  isDropped: boolean;
}

export class OpenPaths {
  /** The one used last stands last. */
  private readonly entries = new Map<string, Entry>();

  /** Opens `target`, or takes what is open as long as no file of it has changed. Errors as `openPath`. */
  async use<T>(target: string, work: (opened: InspectedPath) => T | Promise<T>): Promise<T> {
    const entry = this.take(path.resolve(target));
    entry.users++;
    try {
      return await work(entry.opened);
    } finally {
      entry.users--;
      closeWhenUnused(entry);
    }
  }

  /** Closes everything that is not in use. */
  dispose(): void {
    for (const key of [...this.entries.keys()]) this.drop(key);
  }

  private take(key: string): Entry {
    const known = this.entries.get(key);
    if (known && known.stamp === stampOf(known.opened.files)) {
      this.entries.delete(key);
      this.entries.set(key, known);
      return known;
    }
    this.drop(key);
    const opened = openPath(key);
    const entry = { opened, stamp: stampOf(opened.files), users: 0, isDropped: false };
    this.entries.set(key, entry);
    for (const oldest of [...this.entries.keys()].slice(0, -MAX_OPEN)) this.drop(oldest);
    return entry;
  }

  private drop(key: string): void {
    const entry = this.entries.get(key);
    if (!entry) return;
    this.entries.delete(key);
    entry.isDropped = true;
    closeWhenUnused(entry);
  }
}

function closeWhenUnused({ opened, users, isDropped }: Entry): void {
  if (isDropped && users === 0) opened.close();
}

function stampOf(files: readonly string[]): string {
  const stamps = files.map((file) => {
    const stats = statSync(file, { throwIfNoEntry: false });
    return stats ? `${stats.ino}:${stats.size}:${stats.mtimeMs}` : 'gone';
  });
  return stamps.join(' ');
}
