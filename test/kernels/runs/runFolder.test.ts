/** @file The run folder: claims, states of processes that are gone, and what a resume removes. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { KernelError } from '../../../kernels/protocol/errors';
import type { RunInfo, RunState, TrainRecord } from '../../../kernels/protocol/types';
import { effectiveStatus, now, RunFolder } from '../../../kernels/runs/runFolder';
import { readRecords } from '../../support/trainingFixture';
import { temporaryFolder } from '../../support/tinyModel';

const folder = temporaryFolder();
const info: RunInfo = {
  version: 1,
  name: 'test',
  created: 0,
  config_file: '/test.adapter.yaml',
  config: {},
  versions: {},
  device: { provider: 'cpu', threads: 1, reason: '' },
  digests: {},
  parameters: { base: 1, trainable: 1 },
  total_steps: 9,
  steps_per_epoch: 3,
};

let run: RunFolder;
let count = 0;
beforeEach(() => void (run = RunFolder.create(path.join(folder, `run-${count++}`), info)));

const record = (step: number): TrainRecord => ({
  kind: 'train',
  step,
  time: 0,
  epoch: 0,
  tokens: 0,
  loss: 1,
  learning_rate: { default: 0 },
  grad_norm: 0,
  step_seconds: 0,
  rss: 0,
});
const writeState = (state: Partial<RunState>): void =>
  writeFileSync(run.file('state.json'), JSON.stringify({ ...run.state, ...state }));
/** Larger than any process number that Linux, macOS or Windows gives by default. */
const NO_PROCESS = 2 ** 22 + 1;

test('a checkpoint that is removed is gone, and what a kill left of it goes with the next owner', () => {
  for (const step of [5, 10]) mkdirSync(run.checkpointDir(step));
  run.removeCheckpoint(5);
  expect(run.checkpoints()).toEqual([10]);
  expect(readdirSync(run.file('checkpoints'))).toEqual(['step-000010']);
  mkdirSync(run.file('checkpoints', '.step-000005.removed.tmp'));
  expect(run.checkpoints()).toEqual([10]);
  run.truncateAfter(10);
  expect(readdirSync(run.file('checkpoints'))).toEqual(['step-000010']);
});

test('a path for a new run is different each time', () => {
  const paths = Array.from({ length: 20 }, () => RunFolder.newPath('/runs', 'name'));
  expect(new Set(paths).size).toBe(20);
});

test('a folder that holds a run is not used again', () => {
  expect(() => RunFolder.create(run.dir, info)).toThrow(/already holds a run/);
  expect(() => RunFolder.open(folder)).toThrow(/has no run\.json; expected a run folder/);
});

test('a folder that holds anything else is not written into', () => {
  const used = path.join(folder, 'used');
  mkdirSync(used);
  expect(RunFolder.create(used, info).state.status).toBe('starting');
  const other = path.join(folder, 'other');
  mkdirSync(other);
  writeFileSync(path.join(other, 'config.json'), '{}');
  const refusal = /already holds config\.json; expected a folder that does not exist or is empty/;
  expect(() => RunFolder.create(other, info)).toThrow(refusal);
  expect(() => RunFolder.create(path.join(other, 'config.json'), info)).toThrow(/is no folder/);
  expect(readdirSync(other)).toEqual(['config.json']);
});

test('a new run is starting, and belongs to this process', () => {
  expect(run.state).toMatchObject({ status: 'starting', step: 0, total_steps: 9, pid: process.pid, host: hostname() });
});

describe('the status of a run', () => {
  const live = { status: 'running', pid: process.pid, host: hostname(), heartbeat: now() } as const;

  test('is what its file says while the process lives', () => {
    expect(effectiveStatus(live)).toBe('running');
    expect(effectiveStatus({ ...live, status: 'stopping' })).toBe('stopping');
  });

  test('is failed when the process is gone', () => {
    expect(effectiveStatus({ ...live, pid: NO_PROCESS })).toBe('failed');
    for (const status of ['stopped', 'finished', 'failed'] as const) {
      expect(effectiveStatus({ ...live, status, pid: NO_PROCESS })).toBe(status);
    }
  });

  test('is failed when the machine was started again since, whoever has the number of the process now', () => {
    expect(effectiveStatus({ ...live, heartbeat: 0 })).toBe('failed');
  });

  test('is taken as it is on another machine, whose processes cannot be seen', () => {
    expect(effectiveStatus({ ...live, host: `not-${hostname()}`, pid: NO_PROCESS })).toBe('running');
  });
});

describe('a claim', () => {
  const refusal = (isResumed: boolean): string => {
    try {
      run.claim({ isResumed });
      return 'not refused';
    } catch (error) {
      return KernelError.is(error, 'input/refused') ? error.message : String(error);
    }
  };

  test('of a stopped run keeps its step and best loss and returns the state before', () => {
    writeState({ status: 'stopped', step: 4, pid: NO_PROCESS, best: { step: 2, loss: 0.5 } });
    const { before } = run.claim({ isResumed: true });
    expect(before).toMatchObject({ status: 'stopped', pid: NO_PROCESS });
    expect(run.state).toMatchObject({ status: 'starting', step: 4, pid: process.pid, best: { step: 2, loss: 0.5 } });
  });

  test('of a run whose process died is granted', () => {
    writeState({ status: 'running', step: 4, pid: NO_PROCESS });
    expect(run.claim({ isResumed: true }).before.step).toBe(4);
  });

  test('is refused to a second process, and when there is nothing to resume', () => {
    writeState({ status: 'running', step: 4 });
    expect(refusal(true)).toContain('is running; expected a run that was stopped or has failed');
    writeState({ status: 'finished', step: 9 });
    expect(refusal(true)).toContain('is finished');
  });

  test('without resuming is for a run that was never started', () => {
    const claim = run.claim({ isResumed: false });
    expect(claim.before.status).toBe('starting');
    claim.release();
    writeState({ status: 'stopped', step: 4 });
    expect(refusal(false)).toContain('is stopped; expected a run that was not started');
  });
});

describe('what a resume removes', () => {
  const metricsText = (): string => readFileSync(run.file('metrics.jsonl'), 'utf8');

  test('every record after the checkpoint and nothing else, wherever the file was torn', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 6 }), fc.nat(), (step, cut) => {
        const whole = Array.from({ length: 6 }, (_, i) => `${JSON.stringify(record(i + 1))}\n`);
        const text = whole.join('').slice(0, cut % (whole.join('').length + 1));
        writeFileSync(run.file('metrics.jsonl'), text);
        const complete = whole.filter((_, i) => text.length >= whole.slice(0, i + 1).join('').length - 1).length;
        run.truncateAfter(step);
        expect(metricsText()).toBe(whole.slice(0, Math.min(step, complete)).join(''));
      }),
    );
  });

  test('is counted in records; half a line is one', () => {
    run.appendMetric(record(1));
    run.appendMetric({ kind: 'eval', step: 1, time: 0, loss: 1, tokens: 1 });
    run.appendMetric(record(2));
    writeFileSync(run.file('metrics.jsonl'), `${metricsText()}{"kind":"tr`);
    run.appendSpectra([]);
    expect(existsSync(run.file('spectra.jsonl'))).toBe(false);
    expect(run.truncateAfter(1)).toEqual({ removed: 2, damaged: [] });
    expect(readRecords(run.file('metrics.jsonl'))).toHaveLength(2);
    expect(run.truncateAfter(1)).toEqual({ removed: 0, damaged: [] });
  });

  test('with −1 the evaluation before the first step as well', () => {
    run.appendMetric({ kind: 'eval', step: 0, time: 0, loss: 1, tokens: 1 });
    expect(run.truncateAfter(0)).toEqual({ removed: 0, damaged: [] });
    expect(run.truncateAfter(-1)).toEqual({ removed: 1, damaged: [] });
    expect(metricsText()).toBe('');
  });

  test('never an event, but half of one', () => {
    run.appendEvent('started', 0);
    run.appendEvent('eval', 5);
    writeFileSync(run.file('events.jsonl'), `${readFileSync(run.file('events.jsonl'), 'utf8')}{"event":"fin`);
    run.truncateAfter(0);
    run.appendEvent('resumed', 0, 'test');
    expect(readRecords<{ event: string }>(run.file('events.jsonl')).map((e) => e.event)).toEqual([
      'started',
      'eval',
      'resumed',
    ]);
  });

  test('a checkpoint that was being written', () => {
    for (const name of ['step-000003', '.step-000006.123-ab12.tmp']) mkdirSync(run.file('checkpoints', name));
    expect(run.checkpoints()).toEqual([3]);
    run.truncateAfter(3);
    expect(readdirSync(run.file('checkpoints'))).toEqual(['step-000003']);
  });
});

test('checkpoints are listed by their steps, not by their names', () => {
  for (const step of [900_000, 1_000_000, 20]) mkdirSync(run.checkpointDir(step));
  expect(run.checkpoints()).toEqual([20, 900_000, 1_000_000]);
});

test('heartbeats are written once a second at most', () => {
  run.setState({ status: 'running', step: 1, total_steps: 9 });
  run.beat({ status: 'running', step: 2, total_steps: 9 });
  expect(run.state.step).toBe(1);
});
