/** @file Is the process of a run the one that wrote its state? */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { effectiveState, thisMachine } from '../../../extension/runs/liveness';

const now = () => Date.now() / 1000;

test('this process is alive, one that has ended is not', async () => {
  expect(thisMachine.isAlive(process.pid, now())).toBe(true);
  const child = spawn(process.execPath, ['-e', '']);
  await once(child, 'exit');
  expect(thisMachine.isAlive(child.pid!, now())).toBe(false);
});

test.runIf(process.platform === 'linux')('a process that began after the heartbeat is another one', () => {
  expect(thisMachine.isAlive(process.pid, now() - process.uptime() - 3600)).toBe(false);
});

test('a state that speaks of no process at work is what it is', () => {
  const state = { status: 'finished', pid: 1, host: 'x', heartbeat: 0, step: 5, total_steps: 5 } as const;
  expect(effectiveState(state)).toBe(state);
});
