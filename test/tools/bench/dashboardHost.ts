/** @file The editor's side of a dashboard, measured in this process: it follows a folder that grows to 110 000 steps. */
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import v8 from 'node:v8';
import { runInNewContext } from 'node:vm';
import { RunFollower } from '../../../extension/runs/runFollower';
import {
  evalRecord,
  runInfo,
  runState,
  sampleRecords,
  spectrumRecords,
  trainRecord,
} from '../../webview/harness/syntheticRun';
import { median } from './statistics';

const TOTAL = 110_000;
const SPECTRA_EVERY = 2_000;
const EVAL_EVERY = 500;

export interface HostFigures {
  /** Bytes after a collection. */
  readonly at10k: number;
  readonly at100k: number;
  readonly atEnd: number;
  /** Processor time of the longest look at the folder or pull of all curves. */
  readonly longestMs: number;
  readonly longestReadMs: number;
  readonly readMs: number;
  readonly pulls: number;
  readonly pullMs: number;
}

const silent = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };

export async function measureHost(work: string): Promise<HostFigures> {
  const folder = path.join(work, 'run');
  makeFolder(folder);
  appendSteps(folder, 1, 10_000);
  const follower = new RunFollower(folder, silent);
  await follower.start();
  const pulls: number[] = [];
  const pull = () => {
    const begin = cpuMs();
    follower.metrics.traces({ x: 'step', buckets: 1000, smoothing: 0.6 });
    pulls.push(cpuMs() - begin);
  };
  pull();
  const at10k = usedBytes();

  // What a window that was closed for long finds: everything at once.
  appendSteps(folder, 10_001, 100_000);
  const reading = watchLoop();
  const begin = performance.now();
  await follower.refresh();
  const readMs = performance.now() - begin;
  const longestReadMs = reading();
  pull();
  const at100k = usedBytes();

  // Then the run goes on, far faster than a real one.
  const looks: number[] = [];
  for (let step = 100_001; step <= TOTAL; step += 50) {
    appendSteps(folder, step, step + 49);
    const before = cpuMs();
    await follower.refresh();
    looks.push(cpuMs() - before);
    pull();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const longestMs = Math.max(...looks, ...pulls);
  const atEnd = usedBytes();
  follower.dispose();
  return { at10k, at100k, atEnd, longestMs, longestReadMs, readMs, pulls: pulls.length, pullMs: median(pulls) };
}

function makeFolder(folder: string): void {
  mkdirSync(path.join(folder, 'checkpoints'), { recursive: true });
  writeFileSync(path.join(folder, 'run.json'), JSON.stringify(runInfo('long', TOTAL)));
  writeFileSync(path.join(folder, 'state.json'), JSON.stringify(runState('stopped', 0, TOTAL)));
}

function appendSteps(folder: string, from: number, to: number): void {
  const lines: Record<string, object[]> = { metrics: [], spectra: [], samples: [], events: [] };
  for (let step = from; step <= to; step++) {
    lines['metrics']!.push(trainRecord(step, TOTAL));
    if (step % SPECTRA_EVERY === 0) {
      const shape = { steps: TOTAL, evalEvery: EVAL_EVERY, spectraEvery: SPECTRA_EVERY, layers: 12, rank: 16 };
      lines['spectra']!.push(...spectrumRecords(step, TOTAL, shape));
    }
    if (step % EVAL_EVERY !== 0) continue;
    lines['metrics']!.push(evalRecord(step, TOTAL));
    lines['samples']!.push(...sampleRecords(step, TOTAL));
    lines['events']!.push({ event: 'eval', time: trainRecord(step, TOTAL).time, step });
  }
  for (const [name, records] of Object.entries(lines)) {
    if (records.length === 0) continue;
    appendFileSync(path.join(folder, `${name}.jsonl`), records.map((record) => `${JSON.stringify(record)}\n`).join(''));
  }
}

/** Of all threads of this process: what other programs do in between does not count. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Returns how long the event loop stood still at most, in milliseconds, when it is called. */
function watchLoop(): () => number {
  const delay = monitorEventLoopDelay({ resolution: 2 });
  delay.enable();
  return () => {
    delay.disable();
    return delay.max / 1e6;
  };
}

v8.setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

function usedBytes(): number {
  collect();
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
