/**
 * @file A run's folder: the only thing a run, the editor and other programs share. Records are appended, the state is
 * replaced atomically, checkpoints are complete or absent.
 */
import { randomInt } from 'node:crypto';
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { writeFileAtomic } from '../formats/atomicFile';
import { KernelError } from '../protocol/errors';
import type {
  EvalRecord,
  RunEvent,
  RunInfo,
  RunState,
  RunStatus,
  SpectrumRecord,
  TrainRecord,
} from '../protocol/types';
import { isAlive } from './processes';

export const now = (): number => Date.now() / 1000;

/** How often a heartbeat is written at most, in seconds. */
const HEARTBEAT_SECONDS = 1;

export class RunFolder {
  private lastWritten = 0;

  private constructor(readonly dir: string) {}

  /** `<output>/<name>-<UTC time>-<4 letters>`: a folder that did not exist. */
  static newPath(output: string, name: string): string {
    const time = new Date().toISOString().replace(/[-:]/g, '').replace(/\..*/, '');
    const letters = Array.from({ length: 4 }, () => 'abcdefghijklmnopqrstuvwxyz'[randomInt(26)]).join('');
    return path.join(output, `${name}-${time}-${letters}`);
  }

  /** Makes the folder with its frozen description. Throws when there is a run in it already. */
  static create(dir: string, info: RunInfo): RunFolder {
    if (existsSync(path.join(dir, 'run.json'))) {
      throw KernelError.refused([
        {
          file: dir,
          severity: 'error',
          found: 'already holds a run',
          expected: 'expected a folder that does not exist or is empty',
        },
      ]);
    }
    const run = new RunFolder(path.resolve(dir));
    try {
      mkdirSync(run.file('checkpoints'), { recursive: true });
      run.setState({ status: 'starting', step: 0, total_steps: info.total_steps });
      // Last: a folder with this file is a run, and a run has a state.
      writeFileAtomic(run.file('run.json'), `${JSON.stringify(info, null, 2)}\n`);
    } catch (cause) {
      if (cause instanceof KernelError) throw cause;
      throw new KernelError('machine/failed', `the run folder ${dir} could not be made: ${String(cause)}`, { cause });
    }
    return run;
  }

  static open(dir: string): RunFolder {
    if (!existsSync(path.join(dir, 'run.json'))) {
      throw KernelError.refused([
        { file: dir, severity: 'error', found: 'has no run.json', expected: 'expected a run folder' },
      ]);
    }
    return new RunFolder(path.resolve(dir));
  }

  file(...parts: readonly string[]): string {
    return path.join(this.dir, ...parts);
  }

  get info(): RunInfo {
    return readJson(this.file('run.json')) as RunInfo;
  }

  get state(): RunState {
    return readJson(this.file('state.json')) as RunState;
  }

  /**
   * Takes the run over for this process, before the long work of preparing it begins. Refused when another process has it
   * already, and when there is nothing to do. Returns the state before.
   */
  claim({ isResumed }: { readonly isResumed: boolean }): RunState {
    const before = this.state;
    const status = effectiveStatus(before);
    const isFree = isResumed ? status === 'stopped' || status === 'failed' : before.status === 'starting';
    if (!isFree) {
      const expected = isResumed
        ? 'expected a run that was stopped or has failed'
        : 'expected a run that was not started';
      throw KernelError.refused([{ file: this.dir, severity: 'error', found: `is ${status}`, expected }]);
    }
    const { step, total_steps, best } = before;
    this.setState({ status: 'starting', step, total_steps, ...(best && { best }) });
    return before;
  }

  /** Writes the state of this process's run. */
  setState(state: Pick<RunState, 'status' | 'step' | 'total_steps'> & Partial<RunState>): void {
    const full: RunState = { ...state, pid: process.pid, host: hostname(), heartbeat: now() };
    writeFileAtomic(this.file('state.json'), `${JSON.stringify(full)}\n`);
    this.lastWritten = full.heartbeat;
  }

  /** The same, left out when the last one is younger than a heartbeat. */
  beat(state: Pick<RunState, 'status' | 'step' | 'total_steps'> & Partial<RunState>): void {
    if (now() - this.lastWritten >= HEARTBEAT_SECONDS) this.setState(state);
  }

  appendMetric(record: TrainRecord | EvalRecord): void {
    this.append('metrics.jsonl', [record]);
  }

  appendSpectra(records: readonly SpectrumRecord[]): void {
    this.append('spectra.jsonl', records);
  }

  appendEvent(event: RunEvent['event'], step: number, reason?: string): void {
    const record: RunEvent = { event, time: now(), step, ...(reason === undefined ? {} : { reason }) };
    this.append('events.jsonl', [record]);
  }

  /** Steps of complete checkpoints, ascending. */
  checkpoints(): readonly number[] {
    return readdirSync(this.file('checkpoints'))
      .flatMap((name) => (/^step-\d+$/.test(name) ? [Number(name.slice(5))] : []))
      .sort((a, b) => a - b);
  }

  checkpointDir(step: number): string {
    return this.file('checkpoints', `step-${String(step).padStart(6, '0')}`);
  }

  /**
   * Removes what was recorded after `step` (before the first: −1), and what a process left behind that died while writing:
   * half a line at the end of a file, half a checkpoint. What belongs to the step itself stays, and so does every event.
   * Returns how many records went.
   */
  truncateAfter(step: number): number {
    this.keepLines('events.jsonl', (line) => stepOf(line) !== null);
    for (const name of readdirSync(this.file('checkpoints'))) {
      if (/^\.step-\d+\..*\.tmp$/.test(name)) rmSync(this.file('checkpoints', name), { recursive: true, force: true });
    }
    const isUpTo = (line: string): boolean => (stepOf(line) ?? Infinity) <= step;
    return this.keepLines('metrics.jsonl', isUpTo) + this.keepLines('spectra.jsonl', isUpTo);
  }

  /** Rewrites a file of records, when there is something to leave out; returns how many lines went. */
  private keepLines(name: string, isKept: (line: string) => boolean): number {
    const file = this.file(name);
    if (!existsSync(file)) return 0;
    const text = readFileSync(file, 'utf8');
    const lines = text.split('\n').filter((line) => line.trim() !== '');
    const kept = lines.filter(isKept);
    const wanted = kept.map((line) => `${line}\n`).join('');
    if (wanted !== text) writeFileAtomic(file, wanted);
    return lines.length - kept.length;
  }

  private append(name: string, records: readonly object[]): void {
    if (records.length === 0) return;
    try {
      // One write call for whole lines, so that a reader never sees two records mixed.
      appendFileSync(this.file(name), records.map((r) => `${JSON.stringify(r)}\n`).join(''));
    } catch (cause) {
      throw new KernelError('machine/failed', `${this.file(name)} could not be written: ${String(cause)}`, { cause });
    }
  }
}

const LIVE: ReadonlySet<RunStatus> = new Set(['starting', 'running', 'stopping']);

/** Whether a process works on a run of this status. */
export const isLive = (status: RunStatus): boolean => LIVE.has(status);

/** The status as it is: a run whose process is gone while its file says running has failed. */
export function effectiveStatus(state: Pick<RunState, 'status' | 'pid' | 'host' | 'heartbeat'>): RunStatus {
  if (!isLive(state.status) || state.host !== hostname()) return state.status;
  return isAlive(state.pid, state.heartbeat) ? state.status : 'failed';
}

/** The step of a record; `null` for half a line. */
function stepOf(line: string): number | null {
  try {
    const { step } = JSON.parse(line) as { readonly step?: unknown };
    return typeof step === 'number' ? step : null;
  } catch {
    return null;
  }
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw new KernelError('format/invalid', `${file} cannot be read: ${String(cause)}`, { cause });
  }
}
