/** @file Following a run that another process writes. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { RunFollower } from '../../../extension/runs/runFollower';
import { findRuns } from '../../../extension/runs/findRuns';
import { capabilities, readRunSummary } from '../../../extension/runs/runSummary';
import { silentLog } from '../../support/silentLog';

const writer = path.resolve('test/support/writeRun.mjs');
const write = (...args: string[]) => execFileSync(process.execPath, [writer, ...args]);

let folder: string;
let run: string;
let follower: RunFollower;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'run-follower-'));
  run = path.join(folder, 'runs/one');
  follower = new RunFollower(run, silentLog);
});
afterEach(() => {
  follower.dispose();
  rmSync(folder, { recursive: true });
});

const losses = (of: RunFollower) =>
  of.metrics.traces({ x: 'step', buckets: 10_000, smoothing: 0 }).find((trace) => trace.series === 'loss');
const steps = (of: RunFollower) => [...(losses(of)?.x ?? [])];
const upTo = (last: number) => Array.from({ length: last }, (_, i) => i + 1);

describe('following a run', () => {
  test('everything that a finished run wrote is there after the first read', async () => {
    write(run, '--to', '30');
    await follower.refresh();
    expect(follower.state?.status).toBe('finished');
    expect(follower.info?.name).toBe('fixture');
    expect(steps(follower)).toEqual(upTo(30));
    expect(follower.ranks.tables()[0]!.steps).toEqual([10, 20, 30]);
    expect(follower.ranks.tables()[0]!.modules[0]).toEqual({
      name: 'model.layers.0.self_attn.q_proj',
      layer: 0,
      projection: 'q_proj',
    });
    expect(follower.ranks.spectrum('model.layers.3.self_attn.v_proj', 'delta').values).toHaveLength(3);
    expect(follower.events.map(({ event }) => event)).toContain('checkpoint');
    expect(follower.contents.adapter).toBe(path.join(run, 'adapter'));
  });

  test('records appear while the process writes them, each step once and in order', async () => {
    const child = spawn(process.execPath, [writer, run, '--to', '40', '--interval', '5']);
    const seen: number[] = [];
    follower.onDidChange(() => seen.push(steps(follower).length));
    const ended = once(child, 'exit');
    await follower.start();
    await ended;
    await follower.refresh();
    expect(steps(follower)).toEqual(upTo(40));
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(follower.state?.status).toBe('finished');
  });

  test('two windows that watch one run see the same, also when the second begins in its midst', async () => {
    const child = spawn(process.execPath, [writer, run, '--to', '40', '--interval', '60']);
    const ended = once(child, 'exit');
    const other = new RunFollower(run, silentLog);
    try {
      await follower.start();
      await expect.poll(() => steps(follower).length, { timeout: 20_000 }).toBeGreaterThan(5);
      await other.start();
      expect(steps(other)).toEqual(upTo(steps(other).length));
      await ended;
      await Promise.all([follower.refresh(), other.refresh()]);
      for (const window of [follower, other]) {
        expect(losses(window)).toEqual(losses(follower));
        expect(steps(window)).toEqual(upTo(40));
        expect(window.events).toEqual(follower.events);
        expect(window.state?.status).toBe('finished');
      }
    } finally {
      other.dispose();
    }
  });

  test('after a resume from an earlier checkpoint each step is there once', async () => {
    write(run, '--to', '27', '--total', '40', '--end', 'none');
    await follower.refresh();
    expect(steps(follower)).toEqual(upTo(27));
    const before = follower.revision;
    write(run, '--from', '21', '--to', '40', '--total', '40');
    await follower.refresh();
    expect(steps(follower)).toEqual(upTo(40));
    expect(follower.ranks.tables()[0]!.steps).toEqual([10, 20, 30, 40]);
    expect(follower.revision).toBeGreaterThan(before);
  });

  test('a run whose process is gone is shown as failed and can be resumed', async () => {
    write(run, '--to', '20', '--total', '40', '--end', 'none');
    await follower.refresh();
    expect(follower.state?.status).toBe('failed');
    expect(follower.state?.error).toMatch(/is gone/);
    expect(capabilities({ state: follower.state!, contents: follower.contents })).toEqual({
      stop: false,
      resume: true,
      merge: true,
      delete: true,
    });
  });

  test('a run on another machine is alive as long as its heart beats', async () => {
    write(run, '--to', '20', '--total', '40', '--end', 'none');
    const state = { status: 'running', pid: 1, host: 'elsewhere', heartbeat: 1_000, step: 20, total_steps: 40 };
    writeFileSync(path.join(run, 'state.json'), JSON.stringify(state));
    const at = (now: number) => ({ host: hostname(), now: () => now, isAlive: () => false });
    expect((await readRunSummary(run, at(1_060)))?.state.status).toBe('running');
    const silent = (await readRunSummary(run, at(9_000)))?.state;
    expect(silent?.status).toBe('failed');
    expect(silent?.error).toContain('elsewhere');
  });

  test('samples are there by step and prompt, and once after a resume', async () => {
    write(run, '--to', '5', '--end', 'none');
    const sample = (step: number, text: string) =>
      `${JSON.stringify({ step, time: step, index: 0, prompt: 'Hi', text, tokens: 1, cut: false })}\n`;
    writeFileSync(path.join(run, 'samples.jsonl'), sample(0, 'a') + sample(5, 'b'));
    await follower.refresh();
    expect(follower.samples.list()).toEqual({ steps: [0, 5], prompts: [{ index: 0, prompt: 'Hi' }] });
    const before = follower.samplesRevision;
    writeFileSync(path.join(run, 'samples.jsonl'), sample(0, 'a') + sample(4, 'c') + sample(5, 'd'));
    await follower.refresh();
    expect(follower.samplesRevision).toBeGreaterThan(before);
    expect(follower.samples.at([5, 4]).map(({ text }) => text)).toEqual(['d', 'c']);
  });

  test('a folder that is deleted is told, and what was read is kept; a new one in its place is read anew', async () => {
    write(run, '--to', '20');
    await follower.refresh();
    rmSync(run, { recursive: true });
    await follower.refresh();
    expect(follower.isGone).toBe(true);
    expect(steps(follower)).toEqual(upTo(20));
    const { revision } = follower;
    await follower.refresh();
    expect(follower.revision).toBe(revision);
    write(run, '--to', '3');
    await follower.refresh();
    expect(follower.isGone).toBe(false);
    expect(steps(follower)).toEqual(upTo(3));
    expect(follower.revision).toBeGreaterThan(revision);
  });

  test('nothing changes when nothing was written', async () => {
    write(run, '--to', '5');
    await follower.refresh();
    const { revision } = follower;
    await follower.refresh();
    expect(follower.revision).toBe(revision);
  });

  test('a summary has the loss of the last step and the time left', async () => {
    write(run, '--to', '20', '--total', '40', '--end', 'none');
    const summary = await readRunSummary(run, { host: hostname(), now: () => Date.now() / 1000, isAlive: () => true });
    expect(summary?.state.status).toBe('running');
    await follower.refresh();
    expect(summary?.loss).toBe(losses(follower)!.y.at(-1));
    expect(summary?.etaSeconds).toBeGreaterThan(3.9);
    expect(summary?.etaSeconds).toBeLessThan(4.5);
  });
});

describe('finding runs', () => {
  test('a run is any folder with its two files, at any reasonable depth, and nothing inside it is another', async () => {
    write(path.join(folder, 'runs/one'), '--to', '2');
    write(path.join(folder, 'deep/er/and/deeper/two'), '--to', '2');
    write(path.join(folder, 'runs/one/checkpoints/nested'), '--to', '2');
    write(path.join(folder, 'node_modules/three'), '--to', '2');
    const found = await findRuns(folder);
    expect(found.map((run) => path.relative(folder, run)).sort()).toEqual(['deep/er/and/deeper/two', 'runs/one']);
    expect(await findRuns(path.join(folder, 'nowhere'))).toEqual([]);
  });
});
