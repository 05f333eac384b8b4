/**
 * @file A run's folder: the only thing a run, the editor and other programs share. Records are appended, the state is
 * replaced atomically, checkpoints are complete or absent.
 */
import { randomInt } from 'node:crypto';
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
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
    try {
      mkdirSync(path.join(dir, 'checkpoints'), { recursive: true });
      writeFileAtomic(path.join(dir, 'run.json'), `${JSON.stringify(info, null, 2)}\n`);
    } catch (cause) {
      if (cause instanceof KernelError) throw cause;
      throw new KernelError('machine/failed', `the run folder ${dir} could not be made: ${String(cause)}`, { cause });
    }
    const run = new RunFolder(dir);
    run.setState({ status: 'starting', step: 0, total_steps: info.total_steps });
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
   * Removes what was recorded after `step`, and half a line at the end of a file if a process died writing it. The
   * evaluation that belongs to the step itself stays. Returns how many records went.
   */
  truncateAfter(step: number): number {
    let removed = 0;
    for (const name of ['metrics.jsonl', 'spectra.jsonl']) {
      const file = this.file(name);
      if (!existsSync(file)) continue;
      const lines = readFileSync(file, 'utf8').split('\n');
      const kept = lines.filter((line) => isRecordUpTo(line, step));
      const lost = lines.filter((line) => line.trim() !== '').length - kept.length;
      if (lost === 0) continue;
      removed += lost;
      writeFileAtomic(file, kept.map((line) => `${line}\n`).join(''));
    }
    return removed;
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

/** The status as it is: a run whose process is gone while its file says running has failed. */
export function effectiveStatus(state: RunState): RunStatus {
  if (!LIVE.has(state.status) || state.host !== hostname()) return state.status;
  return isAlive(state.pid) ? state.status : 'failed';
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function isRecordUpTo(line: string, step: number): boolean {
  if (line.trim() === '') return false;
  try {
    const record = JSON.parse(line) as { readonly step?: unknown };
    return typeof record.step === 'number' && record.step <= step;
  } catch {
    return false;
  }
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw new KernelError('format/invalid', `${file} cannot be read: ${String(cause)}`, { cause });
  }
}
