/**
 * @file Room that a live run holds for its last words. When the disk is full, the run gives the room up and can still write
 * why it stopped: to its state, its events and its log.
 */
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import path from 'node:path';
import { writeFileAtomic } from '../formats/atomicFile';

/** A state, an event and a few lines of log, each in blocks of their own, twice. */
const BALLAST_BYTES = 64 * 1024;

const fileIn = (dir: string): string => path.join(dir, '.room');

/** Throws `machine/failed` when there is not even this much room. */
export function holdRoom(dir: string): void {
  // Random, because some file systems do not store zeros.
  writeFileAtomic(fileIn(dir), randomBytes(BALLAST_BYTES));
}

export function giveUpRoom(dir: string): void {
  rmSync(fileIn(dir), { force: true });
}
