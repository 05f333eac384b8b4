/**
 * @file One process owns a run folder. Each owner leaves a numbered file in `owner/` that names it; the highest number is
 * the owner's. A new owner makes the next number, which only one of several can, and only when the last owner is gone. No
 * file is ever taken away from under a live process, so that no two can both believe to have it.
 */
import { linkSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import * as l10n from '@vscode/l10n';
import { makeFolders, writeFileAtomic } from '../formats/atomicFile';
import { KernelError } from '../protocol/errors';
import type { ProcessIdentity } from './processes';
import { isAlive, thisProcess } from './processes';

/** What a file of `owner/` holds. */
export interface Owner extends ProcessIdentity {
  /** When it became the owner, in seconds since 1970. */
  readonly since: number;
  readonly isReleased?: true;
}

export interface Ownership {
  /** Lets another process have the folder. A process that ends without it lets go all the same. */
  release(): void;
}

/**
 * Makes this process the owner of the run folder, or returns who is. `isGone` says of an owner on another machine, whose
 * processes cannot be seen, whether it has ended. Throws `machine/failed` when nothing can be written.
 */
export function takeOwnership(dir: string, isGone: (owner: Owner) => boolean): Ownership | { readonly owner: Owner } {
  const folder = path.join(dir, 'owner');
  const fileOf = (number: number): string => path.join(folder, `${number}.json`);
  try {
    makeFolders(folder);
    for (;;) {
      const last = numbersIn(folder).at(-1) ?? 0;
      const owner = last === 0 ? null : readOwner(fileOf(last));
      if (owner && isHeld(owner, isGone)) return { owner };
      const mine: Owner = { ...thisProcess(), since: Date.now() / 1000 };
      if (!createWhole(fileOf(last + 1), JSON.stringify(mine))) continue; // another one was faster: look who
      // Another one was so much faster that its number was made from one that I had not seen yet.
      if (numbersIn(folder).at(-1) !== last + 1) {
        rmSync(fileOf(last + 1), { force: true });
        continue;
      }
      for (const old of numbersIn(folder)) if (old <= last) rmSync(fileOf(old), { force: true });
      return { release: () => release(fileOf(last + 1), mine) };
    }
  } catch (cause) {
    if (cause instanceof KernelError) throw cause;
    throw new KernelError('machine/failed', l10n.t('{0} cannot be used: {1}', folder, String(cause)), { cause });
  }
}

function isHeld(owner: Owner, isGone: (owner: Owner) => boolean): boolean {
  if (owner.isReleased) return false;
  return owner.host === hostname() ? isAlive(owner.pid, owner.since, owner.process_start) : !isGone(owner);
}

/** The number stays taken: were it used again, a process that was slow to look could take it for one it has seen before. */
function release(file: string, owner: Owner): void {
  try {
    writeFileAtomic(file, JSON.stringify({ ...owner, isReleased: true }));
  } catch {
    // A full disk: the end of this process says the same.
  }
}

/** Makes a file with its content in one step; false when there is one already. */
function createWhole(file: string, content: string): boolean {
  const beside = path.join(path.dirname(file), `.${path.basename(file)}.${process.pid}.tmp`);
  try {
    writeFileSync(beside, content);
    linkSync(beside, file);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    // File systems without links. Whoever reads in between sees an empty file, which names no live process.
    if (code === 'EPERM' || code === 'ENOTSUP' || code === 'ENOSYS') return createInPlace(file, content);
    throw error;
  } finally {
    rmSync(beside, { force: true });
  }
}

function createInPlace(file: string, content: string): boolean {
  try {
    writeFileSync(file, content, { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function numbersIn(folder: string): readonly number[] {
  return readdirSync(folder)
    .flatMap((name) => (/^\d+\.json$/.test(name) ? [Number.parseInt(name, 10)] : []))
    .sort((a, b) => a - b);
}

/** Null for a file that names nobody: a process died, or is, while writing it. */
function readOwner(file: string): Owner | null {
  try {
    const owner = JSON.parse(readFileSync(file, 'utf8')) as Partial<Owner> | null;
    return typeof owner?.pid === 'number' && typeof owner.host === 'string' ? (owner as Owner) : null;
  } catch {
    return null;
  }
}
