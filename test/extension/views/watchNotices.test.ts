/** @file What the watchdog of a run saw is told once. */
import type { Memento } from 'vscode';
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { WatchNotices } from '../../../extension/views/watchNotices';
import type { RunLibrary } from '../../../extension/runs/runLibrary';
import { silentLog } from '../../support/silentLog';
import { EventEmitter, state } from '../../support/vscodeStub';

let folder: string;
beforeEach(() => {
  state.reset();
  folder = mkdtempSync(path.join(tmpdir(), 'watch-notices-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function setUp(values = new Map<string, unknown>()) {
  const changed = new EventEmitter<void>();
  const run = {
    folder,
    info: { name: 'sample' },
    state: { status: 'running', step: 5, total_steps: 10 },
    contents: { lastCheckpoint: null, adapter: null },
  };
  const library = { runs: [run], onDidChange: changed.event } as unknown as RunLibrary;
  const memory = {
    get: (key: string, standard: unknown) => values.get(key) ?? standard,
    update: async (key: string, value: unknown) => void values.set(key, value),
  } as unknown as Memento;
  const notices = new WatchNotices(library, memory, silentLog);
  return { look: () => changed.fire(), notices, run, values };
}
const write = (event: object) => appendFileSync(path.join(folder, 'events.jsonl'), `${JSON.stringify(event)}\n`);
const spike = {
  event: 'warning',
  time: 1,
  step: 5,
  watch: 'loss-spike',
  reason: 'loss 9.1',
  action: 'training goes on',
};

test('each kind is told once, with what was done, and the run can be stopped from there', async () => {
  const { look, values } = setUp();
  write({ event: 'started', time: 0, step: 0 });
  write(spike);
  state.clicks.push('Stop Run');
  look();
  await expect
    .poll(() => state.messages)
    .toEqual(['sample: the loss has jumped at step 5. loss 9.1. training goes on.']);
  await expect.poll(() => state.executed.map(({ id }) => id)).toEqual(['adapterStudio.stopRun']);
  write({ ...spike, step: 6 });
  write({ event: 'warning', time: 2, step: 7, watch: 'disk-low' });
  look();
  await expect.poll(() => state.messages.length).toBe(2);
  expect(state.messages[1]).toContain('the disk is nearly full at step 7');
  // Another window of the workspace.
  const other = setUp(values);
  other.look();
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(state.messages).toHaveLength(2);
});

test('a run that has failed is told elsewhere', async () => {
  const { look } = setUp();
  write({ event: 'failed', time: 1, step: 5, watch: 'non-finite', reason: 'NaN' });
  write({ event: 'warning', time: 2, step: 7, watch: 'stall' });
  look();
  await expect.poll(() => state.messages.length).toBe(1);
  expect(state.messages[0]).toContain('stands still');
});
