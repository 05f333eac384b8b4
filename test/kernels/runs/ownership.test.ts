/** @file Who owns a run folder: one process, until it is gone, whatever numbers processes get and whatever clocks say. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import type { Owner, Ownership } from '../../../kernels/runs/ownership';
import { takeOwnership } from '../../../kernels/runs/ownership';
import { thisProcess } from '../../../kernels/runs/processes';
import { useEngine } from '../../support/engine';
import { readRecords, trainingFixture } from '../../support/trainingFixture';
import { temporaryFolder } from '../../support/tinyModel';

const folder = temporaryFolder();
let dir: string;
let count = 0;
beforeEach(() => {
  dir = path.join(folder, `run-${count++}`);
  mkdirSync(path.join(dir, 'owner'), { recursive: true });
});

const never = (): boolean => false;
const take = (isGone = never): Ownership => {
  const taken = takeOwnership(dir, isGone);
  if ('owner' in taken) throw new Error(`held by ${JSON.stringify(taken.owner)}`);
  return taken;
};
/** As another process would have left it. */
const leave = (number: number, owner: Partial<Owner> | string): void =>
  writeFileSync(path.join(dir, 'owner', `${number}.json`), typeof owner === 'string' ? owner : JSON.stringify(owner));
const files = (): string[] => readdirSync(path.join(dir, 'owner')).sort();
const NO_PROCESS = 2 ** 22 + 1;
const HOUR = 3600;

test('a live process keeps the folder until it lets go', () => {
  const first = take();
  expect(takeOwnership(dir, never)).toMatchObject({ owner: { pid: process.pid, host: hostname() } });
  first.release();
  expect(() => take()).not.toThrow();
});

test('a process that is gone has let go', () => {
  leave(4, { host: hostname(), pid: NO_PROCESS, since: Date.now() / 1000 });
  take();
  expect(files()).toEqual(['5.json']);
});

test.runIf(process.platform === 'linux')('another process with the number of the owner is not the owner', () => {
  // This very process, but with the start of one before it.
  leave(1, { ...thisProcess(), since: Date.now() / 1000, process_start: 'another-boot:12' });
  expect(() => take()).not.toThrow();
});

test.runIf(process.platform === 'linux').each([-24 * HOUR, 24 * HOUR])(
  'a clock that was set by %i seconds makes nobody lose the folder',
  (jump) => {
    leave(1, { ...thisProcess(), since: Date.now() / 1000 + jump });
    expect(takeOwnership(dir, never)).toHaveProperty('owner');
  },
);

test('an owner on another machine keeps the folder until its state says that it has ended', () => {
  leave(1, { host: `not-${hostname()}`, pid: process.pid, since: 0 });
  expect(takeOwnership(dir, never)).toHaveProperty('owner');
  expect(() => take(() => true)).not.toThrow();
});

test.each(['', '{"pid":', 'null', '[]'])('a file that names nobody (%j) holds nothing', (content) => {
  leave(7, content);
  take();
  expect(files()).toEqual(['8.json']);
});

test('a number is never used again, so that a slow process cannot take over from one it has not seen', () => {
  take().release();
  take().release();
  expect(files()).toEqual(['2.json']);
  expect(JSON.parse(readFileSync(path.join(dir, 'owner', '2.json'), 'utf8'))).toMatchObject({ isReleased: true });
});

const engine = useEngine();

test('of several processes that resume a run at once one gets it, and the others say who', async () => {
  const fixture = trainingFixture();
  const run = path.join(fixture.folder, 'runs', 'contested');
  const config = fixture.config('contested', { training: { max_steps: 40 } });
  const started = engine.start(['train', config, '--run', run, '--json']);
  await started.until((out) => out.includes('"step":6,'));
  started.child.kill('SIGKILL');
  await started.finished;
  const finished = await Promise.all(Array.from({ length: 4 }, () => engine.run('resume', run, '--json')));
  expect(finished.map((f) => f.status).sort()).toEqual([0, 2, 2, 2]);
  for (const { stderr } of finished.filter((f) => f.status === 2)) {
    expect(stderr).toMatch(/expected a run that was stopped or has failed; process \d+ works on it/);
  }
  const steps = readRecords<{ kind: string; step: number }>(path.join(run, 'metrics.jsonl'));
  expect(steps.flatMap((r) => (r.kind === 'train' ? [r.step] : []))).toEqual(
    Array.from({ length: 40 }, (_, i) => i + 1),
  );
});
