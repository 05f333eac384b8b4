/** @file Clocks that are set while a run trains bend neither its records nor what others think of it. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import type { MetricRecord, RunState, TrainRecord } from '../../../kernels/protocol/types';
import { useEngine } from '../../support/engine';
import { readRecords, trainingFixture } from '../../support/trainingFixture';

const engine = useEngine();
const fixture = trainingFixture();
const DAY = 24 * 3600;
const state = (run: string): RunState => JSON.parse(readFileSync(path.join(run, 'state.json'), 'utf8')) as RunState;

/** Environment of a process whose clock is set by so many seconds once its run has trained a few steps. */
function clockSetBy(seconds: number): NodeJS.ProcessEnv {
  const file = path.join(fixture.folder, 'clock.cjs');
  // Every step asks for the time at least once.
  writeFileSync(
    file,
    `const now = Date.now; let calls = 0;
     Date.now = () => now() + (++calls > 30 ? Number(process.env.CLOCK_JUMP) * 1000 : 0);`,
  );
  return { NODE_OPTIONS: `--require ${file}`, CLOCK_JUMP: String(seconds) };
}

test.each([-DAY, DAY])('set by %i seconds while it trains', async (jump) => {
  const run = path.join(fixture.folder, 'runs', `clock${jump}`);
  const config = fixture.config('clock', { training: { max_steps: 2000, save_steps: 500, eval_steps: 1000 } });
  const started = engine.start(['train', config, '--run', run, '--json'], clockSetBy(jump));
  await started.until((out) => out.includes('"step":40,'));
  if (process.platform === 'linux') {
    // Another window, with the right time, sees it alive and leaves it alone.
    const { runs } = (await engine.run('runs', path.dirname(run), '--json')).records()[0] as {
      runs: { run: string; status: string }[];
    };
    expect(runs.find((r) => r.run === run)?.status).toBe('running');
    const second = await engine.run('resume', run);
    expect(second.status).toBe(2);
    expect(second.stderr).toContain(`process ${started.child.pid} works on it`);
  }
  expect((await engine.run('stop', run)).status).toBe(0);
  expect((await started.finished).status).toBe(130);
  const { heartbeat, step } = state(run);
  expect(Math.abs(Date.now() / 1000 + jump - heartbeat)).toBeLessThan(600);

  const records = readRecords<MetricRecord>(path.join(run, 'metrics.jsonl'));
  const train = records.filter((r): r is TrainRecord => r.kind === 'train');
  expect(train.map((r) => r.step)).toEqual(Array.from({ length: step }, (_, i) => i + 1));
  // The times show the jump; how long steps took, from which what is left is estimated, does not.
  const times = train.map((r) => r.time);
  expect(Math.abs((times.at(-1) ?? 0) - (times[0] ?? 0) - jump)).toBeLessThan(600);
  expect(train.every((r) => r.step_seconds > 0 && r.step_seconds < 60)).toBe(true);

  // Resumed with the right time again.
  const resumed = engine.start(['resume', run, '--json']);
  await resumed.until((out) => out.includes(`"step":${step + 5},`));
  resumed.child.kill('SIGINT');
  expect((await resumed.finished).status).toBe(130);
  expect(state(run).status).toBe('stopped');
});
