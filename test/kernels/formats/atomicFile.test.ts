/** @file Files and folders appear whole or not at all. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { AtomicFile, AtomicFolder, makeFolders, writeFileAtomic } from '../../../kernels/formats/atomicFile';
import { KernelError } from '../../../kernels/protocol/errors';

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'atomic-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('writing a file replaces the old one and leaves nothing beside it', () => {
  const path = join(folder, 'state.json');
  writeFileAtomic(path, 'first, with an umlaut: ä');
  writeFileAtomic(path, new TextEncoder().encode('second'));
  expect(readFileSync(path, 'utf8')).toBe('second');
  expect(readdirSync(folder)).toEqual(['state.json']);
});

test('a file is created with the asked permissions', () => {
  const path = join(folder, 'secret');
  writeFileAtomic(path, 'x', { mode: 0o600 });
  if (process.platform !== 'win32') expect(statSync(path).mode & 0o777).toBe(0o600);
});

test('a streamed file is invisible until it is committed', () => {
  const path = join(folder, 'stream');
  writeFileSync(path, 'old');
  const file = AtomicFile.create(path);
  file.write(Uint8Array.of(1, 2));
  file.writeAt(Uint8Array.of(9), 4);
  file.write(Uint8Array.of(3));
  expect(readFileSync(path, 'utf8')).toBe('old');
  file.commit();
  expect([...readFileSync(path)]).toEqual([1, 2, 3, 0, 9]);
  file.abort();
  expect(readdirSync(folder)).toEqual(['stream']);
  expect(() => file.write(Uint8Array.of(1))).toThrow(/already committed/);
});

test('an aborted file leaves the old one and nothing else', () => {
  const path = join(folder, 'stream');
  writeFileSync(path, 'old');
  const file = AtomicFile.create(path);
  file.write(Uint8Array.of(1, 2));
  file.abort();
  file.abort();
  expect(readdirSync(folder)).toEqual(['stream']);
  expect(readFileSync(path, 'utf8')).toBe('old');
});

test('a folder that does not exist is an error of the machine that names the file', () => {
  const path = join(folder, 'missing', 'file');
  const error = thrown(() => writeFileAtomic(path, 'x'));
  expect(KernelError.is(error, 'machine/failed')).toBe(true);
  expect(String(error)).toContain(path);
});

test('a folder appears only by its commit, with the folders above it', () => {
  const path = join(folder, 'checkpoints', 'step-000100');
  const kept = AtomicFolder.create(path);
  writeFileAtomic(join(kept.temporaryPath, 'a'), 'a');
  expect(readdirSync(join(folder, 'checkpoints'))).not.toContain('step-000100');
  kept.commit();
  kept.abort();
  expect(readFileSync(join(path, 'a'), 'utf8')).toBe('a');

  const dropped = AtomicFolder.create(join(folder, 'dropped'));
  writeFileAtomic(join(dropped.temporaryPath, 'a'), 'a');
  dropped.abort();
  expect(readdirSync(folder)).toEqual(['checkpoints']);
});

test('a folder replaces an empty folder and refuses one that holds something', () => {
  const path = join(folder, 'out');
  mkdirSync(path);
  const first = AtomicFolder.create(path);
  writeFileAtomic(join(first.temporaryPath, 'a'), 'a');
  first.commit();
  expect(readdirSync(path)).toEqual(['a']);
  expect(
    KernelError.is(
      thrown(() => AtomicFolder.create(path)),
      'input/refused',
    ),
  ).toBe(true);
});

test('missing folders are made one below the other, and those that are there are left alone', () => {
  const path = join(folder, 'a', 'b', 'c');
  makeFolders(path);
  writeFileSync(join(path, 'kept'), '');
  makeFolders(path);
  expect(readdirSync(path)).toEqual(['kept']);
});

test('a folder that cannot be made ends with its name: below a file, and where the file system has none', () => {
  writeFileSync(join(folder, 'file'), '');
  const impossible = [join(folder, 'file', 'a'), ...(process.platform === 'linux' ? ['/proc/no-such/a'] : [])];
  for (const path of impossible) {
    const error = thrown(() => makeFolders(path));
    expect(KernelError.is(error, 'machine/failed')).toBe(true);
    expect(String(error)).toContain(`cannot write ${dirname(path)}`);
  }
});

function thrown(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  return undefined;
}
