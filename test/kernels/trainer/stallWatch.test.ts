/** @file A stall is seen while the thread of the run is blocked, as it is while the runtime computes. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { RunEvent } from '../../../kernels/protocol/types';
import { StallWatch } from '../../../kernels/trainer/stallWatch';
import { readRecords } from '../../support/trainingFixture';
import { temporaryFolder } from '../../support/tinyModel';

const folder = temporaryFolder();
let count = 0;
let events: string;
let watch: StallWatch;
beforeEach(async () => {
  events = path.join(folder, `events-${count++}.jsonl`);
  watch = new StallWatch(events, `${events}.log`, { leastMs: 50, pollMs: 5 });
  for (let i = 0; i < 5; i++) watch.learn(1);
  // The thread is on its way; what it does then does not depend on this one.
  await new Promise((resume) => setTimeout(resume, 300));
});
afterEach(() => watch.dispose());

/** Nothing else can run in this thread meanwhile. */
const block = (ms: number): void => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
const read = (): RunEvent[] => (existsSync(events) ? readRecords<RunEvent>(events) : []);

test('a step that does not end is reported once, with what to do', () => {
  watch.begin('step', 12);
  block(600);
  const [event, ...more] = read();
  expect(more).toEqual([]);
  expect(event).toMatchObject({ event: 'warning', step: 12, watch: 'stall' });
  expect(event?.reason).toMatch(/^step 12 has been going on for 0\.\d+ s; expected less than 0\.05\d* s$/);
  expect(event?.action).toContain(`end process ${process.pid} and resume the run from its last checkpoint`);
  expect(readFileSync(`${events}.log`, 'utf8')).toContain('step 12: warning, step 12 has been going on');
});

test('work that ends in time, and the time between, are not', () => {
  for (let i = 0; i < 5; i++) {
    watch.begin('the evaluation of step', 8);
    block(10);
    watch.end();
  }
  block(300);
  expect(read()).toEqual([]);
});

test('each piece of work is judged by itself', () => {
  for (const step of [3, 4]) {
    watch.begin('the checkpoint of step', step);
    block(400);
    watch.end();
  }
  expect(read().map((e) => e.reason?.split(' has')[0])).toEqual([
    'the checkpoint of step 3',
    'the checkpoint of step 4',
  ]);
});

test('slow steps are the measure of later ones', () => {
  for (let i = 0; i < 20; i++) watch.learn(1000);
  watch.begin('step', 30);
  block(300);
  watch.end();
  expect(read()).toEqual([]);
});
