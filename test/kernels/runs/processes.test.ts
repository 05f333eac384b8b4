/** @file Whether a process is there: alive, gone, a zombie, or another one with the same number. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test, vi } from 'vitest';
import { isAlive, thisProcess } from '../../../kernels/runs/processes';

const now = (): number => Date.now() / 1000;

test('this process is alive, and one whose number is nobody’s is not', () => {
  expect(isAlive(process.pid, now())).toBe(true);
  expect(isAlive(2 ** 22 + 1, now())).toBe(false);
});

test('a heartbeat from before the machine was started is another process’s', () => {
  expect(isAlive(process.pid, 0)).toBe(false);
});

test.runIf(process.platform === 'linux')('a process that began after the heartbeat is another one', () => {
  expect(isAlive(process.pid, now() - process.uptime() - 60)).toBe(false);
});

test.runIf(process.platform === 'linux')('a zombie is not alive', async () => {
  // The shell becomes a program that never asks after its child, which ends at once.
  const parent = spawn('sh', ['-c', 'sleep 0 & echo $!; exec sleep 30'], { stdio: ['ignore', 'pipe', 'ignore'] });
  const [line] = (await once(parent.stdout, 'data')) as [Buffer];
  const pid = Number(line.toString());
  await vi.waitFor(() => expect(isAlive(pid, now())).toBe(false), { timeout: 5000 });
  expect(() => process.kill(pid, 0)).not.toThrow();
  parent.kill();
});

test.runIf(process.platform === 'linux')('a process with its start is known whatever the clock says', () => {
  const { process_start: start } = thisProcess();
  expect(start).toMatch(/^[0-9a-f-]+:\d+$/);
  for (const heartbeat of [0, now(), now() + 1e6]) expect(isAlive(process.pid, heartbeat, start)).toBe(true);
  expect(isAlive(process.pid, now(), `${start}0`)).toBe(false);
  expect(
    isAlive(
      process.pid,
      now(),
      start?.replace(/^./, (c) => (c === '0' ? '1' : '0')),
    ),
  ).toBe(false);
});
