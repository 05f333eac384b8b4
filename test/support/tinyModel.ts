/** @file Small checkpoints and folders for a test file, removed when it is done. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll } from 'vitest';
import type { TinyModel } from './tinyCheckpoint';
import { writeTinyCheckpoint } from './tinyCheckpoint';

export { randomValues } from './tinyCheckpoint';
export { TINY_CONFIG } from './tinyConfig';

/** A folder that is removed when the test file is done. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'adapter-studio-test-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Writes a checkpoint and returns its folder. The same arguments give the same bytes. */
export function writeTinyModel(options: TinyModel = {}): string {
  const dir = temporaryFolder();
  writeTinyCheckpoint(dir, options);
  return dir;
}
