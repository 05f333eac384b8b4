/**
 * @file Notices a step that does not end, while it lasts. The runtime blocks the thread of the run until a step is done, so
 * a thread of its own looks on: it knows what was begun and when, and writes the event itself.
 */
import type * as FileSystem from 'node:fs';
import { Worker } from 'node:worker_threads';
import type { RunEvent } from '../protocol/types';
import { median } from './lossSpike';

export interface StallLimits {
  /** Nothing shorter is a stall. */
  readonly leastMs: number;
  /** How often the thread looks. */
  readonly pollMs: number;
}

/** What a run does that may take long. The order is that of the numbers the thread is told. */
const PHASES = [
  'step',
  'the evaluation of step',
  'the samples of step',
  'the restart after step',
  'the checkpoint of step',
] as const;
export type Phase = (typeof PHASES)[number];

/** A step is a stall when it takes this many times the median of the recent ones. */
const FACTOR = 10;
const RECENT_STEPS = 20;
/** Until this many steps are known, graphs are being compiled. */
const LEAST_STEPS = 5;
const FIRST_STEPS_FACTOR = 30;

/** Places in the memory that both threads see. */
const BEGAN = 0;
const LIMIT = 1;
const STEP = 2;
const PHASE = 3;

export class StallWatch {
  private readonly cells = new BigInt64Array(new SharedArrayBuffer(4 * 8));
  private readonly wake = new Int32Array(new SharedArrayBuffer(4));
  private readonly recentMs: number[] = [];
  private readonly thread: Worker;

  /** `eventsFile` and `logFile` get a line for each stall. */
  constructor(
    eventsFile: string,
    logFile: string,
    private readonly limits: StallLimits,
  ) {
    const workerData: ThreadData = {
      cells: this.cells,
      wake: this.wake,
      phases: PHASES,
      pollMs: limits.pollMs,
      eventsFile,
      logFile,
      pid: process.pid,
    };
    // The source of a function, because the program is one file: a file of its own would have to be found beside it.
    const source = `(${lookOn.toString()})(require('node:fs'), require('node:worker_threads').workerData)`;
    this.thread = new Worker(source, {
      eval: true,
      workerData,
      resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 4 },
    });
    // It can only fail where files cannot be written, and then the run itself will say so.
    this.thread.on('error', () => undefined);
    this.thread.unref();
  }

  /** Something begins that `end` is to follow. */
  begin(phase: Phase, step: number): void {
    const { leastMs } = this.limits;
    const known = this.recentMs;
    const limitMs =
      known.length < LEAST_STEPS ? FIRST_STEPS_FACTOR * leastMs : Math.max(leastMs, FACTOR * median(known));
    Atomics.store(this.cells, LIMIT, BigInt(Math.round(limitMs * 1e6)));
    Atomics.store(this.cells, STEP, BigInt(step));
    Atomics.store(this.cells, PHASE, BigInt(PHASES.indexOf(phase)));
    Atomics.store(this.cells, BEGAN, process.hrtime.bigint());
  }

  /** What was begun has ended, or has been given up. */
  end(): void {
    Atomics.store(this.cells, BEGAN, 0n);
  }

  /** How long a whole step took: the measure of what is too long. */
  learn(stepMs: number): void {
    this.recentMs.push(stepMs);
    if (this.recentMs.length > RECENT_STEPS) this.recentMs.shift();
  }

  async dispose(): Promise<void> {
    Atomics.store(this.wake, 0, 1);
    Atomics.notify(this.wake, 0);
    await this.thread.terminate();
  }
}

interface ThreadData {
  readonly cells: BigInt64Array;
  readonly wake: Int32Array;
  readonly phases: readonly string[];
  readonly pollMs: number;
  readonly eventsFile: string;
  readonly logFile: string;
  readonly pid: number;
}

/** The thread. It is passed on as text, so it may use nothing from outside itself. */
function lookOn(fs: typeof FileSystem, data: ThreadData): void {
  const { cells, wake, phases, pollMs, eventsFile, logFile, pid } = data;
  let told = 0n;
  while (Atomics.wait(wake, 0, 0, pollMs) === 'timed-out') {
    const began = Atomics.load(cells, 0);
    const passed = process.hrtime.bigint() - began;
    const limit = Atomics.load(cells, 1);
    if (began === 0n || began === told || passed < limit) continue;
    told = began;
    const seconds = (ns: bigint): string => `${(Number(ns) / 1e9).toPrecision(3)} s`;
    const step = Number(Atomics.load(cells, 2));
    const phase = phases[Number(Atomics.load(cells, 3))] ?? '';
    const event: RunEvent = {
      event: 'warning',
      time: Date.now() / 1000,
      step,
      reason: `${phase} ${step} has been going on for ${seconds(passed)}; expected less than ${seconds(limit)}`,
      watch: 'stall',
      action:
        'The run waits: what the runtime computes cannot be interrupted. It goes on by itself when that ends; if it never does, ' +
        `end process ${pid} and resume the run from its last checkpoint.`,
    };
    try {
      fs.appendFileSync(eventsFile, `${JSON.stringify(event)}\n`);
      fs.appendFileSync(logFile, `${new Date().toISOString()} step ${step}: warning, ${event.reason ?? ''}\n`);
    } catch {
      // A full disk: the run itself finds that as well, and says so.
    }
  }
}
