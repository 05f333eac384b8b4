/** @file Runs are deleted into the trash, after a question, never while they are at work. */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { deleteRuns } from '../../../extension/commands/deleteRuns';
import type { Studio } from '../../../extension/studio';
import { KernelError } from '../../../kernels/protocol/errors';
import { silentLog } from '../../support/silentLog';
import { state } from '../../support/vscodeStub';

const writer = path.resolve('test/support/writeRun.mjs');
let root: string;
let closed: string[];
let studio: Studio;

const write = (name: string, ...args: string[]) => {
  const folder = path.join(root, name);
  execFileSync(process.execPath, [writer, folder, '--to', '3', ...args]);
  return folder;
};

beforeEach(() => {
  state.reset();
  root = mkdtempSync(path.join(tmpdir(), 'delete-runs-'));
  closed = [];
  studio = {
    log: silentLog,
    runs: { refresh: async () => {} },
    runsView: { selection: [] },
    dashboards: { close: (folder: string) => closed.push(folder) },
  } as unknown as Studio;
});
afterEach(() => rmSync(root, { recursive: true }));

test('all selected runs go to the trash once the person agrees, and their dashboards close', async () => {
  const folders = [write('one'), write('two')];
  state.clicks.push('Move to Trash');
  await deleteRuns(
    studio,
    { folder: folders[0] },
    folders.map((folder) => ({ folder })),
  );
  expect(state.messages).toEqual(['Delete 2 runs with their checkpoints and adapters?']);
  expect(state.deleted).toEqual(folders.map((folder) => ({ path: folder, useTrash: true })));
  expect(closed).toEqual(folders);
});

test('nothing is deleted when the question is left', async () => {
  const error: unknown = await deleteRuns(studio, { folder: write('one') }).catch((reason: unknown) => reason);
  expect(KernelError.is(error, 'cancelled')).toBe(true);
  expect(state.deleted).toEqual([]);
});

test('without a trash the person is asked again before anything is gone for ever', async () => {
  state.hasTrash = false;
  const folder = write('one');
  state.clicks.push('Move to Trash', 'Delete Permanently');
  await deleteRuns(studio, { folder });
  expect(state.messages[1]).toMatch(/no trash/);
  expect(state.deleted).toEqual([{ path: folder, useTrash: false }]);
});

test('a run at work is refused', async () => {
  const folder = path.join(root, 'live');
  const child = spawn(process.execPath, [writer, folder, '--to', '2000', '--interval', '20']);
  try {
    await expect.poll(() => deleteRuns(studio, { folder }).catch((e: Error) => e.message)).toMatch(/is at work/);
    expect(state.deleted).toEqual([]);
  } finally {
    child.kill('SIGKILL');
  }
});

test('a folder that is no run is refused', async () => {
  await expect(deleteRuns(studio, { folder: root })).rejects.toThrow(/is no run folder/);
});
