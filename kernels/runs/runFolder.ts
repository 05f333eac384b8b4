/**
 * @file A run's folder: the only thing a run, the editor and other programs share. Records are appended, the state is
 * replaced atomically, checkpoints are complete or absent.
 */
import { randomInt } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import * as l10n from '@vscode/l10n';
import { appendToFile, makeFolders, writeFileAtomic } from '../formats/atomicFile';
import type { Problem } from '../protocol/errors';
import { KernelError } from '../protocol/errors';
import type {
  ActivityRecord,
  EvalRecord,
  MetricRecord,
  RestartRecord,
  RunEvent,
  RunInfo,
  RunState,
  RunStatus,
  SampleRecord,
  SpectrumRecord,
  TrainRecord,
} from '../protocol/types';
import type { Owner } from './ownership';
import { takeOwnership } from './ownership';
import { isAlive, thisProcess } from './processes';
import { readRunInfo, readRunState } from './runDescription';
import type { RecordFileName } from './runRecords';
import { recordFileNames, recordsOf, scanRecords } from './runRecords';

export const now = (): number => Date.now() / 1000;

/** How often a heartbeat is written at most. */
const HEARTBEAT_MS = 1000;

/** What an event may say besides its kind, step and reason. */
export type EventDetails = Pick<RunEvent, 'watch' | 'action' | 'cycle'>;

/** A run folder that this process owns. */
export interface Claim {
  /** The state before. */
  readonly before: RunState;
  /** Lets another process have the run; the state says by then what became of it. */
  release(): void;
}

/** What `truncateAfter` has done. */
export interface Truncation {
  /** Records of later steps, and half a line at the end of a file. */
  readonly removed: number;
  readonly damaged: readonly DamagedRecords[];
}

/** A file of records with lines that cannot be used. */
export interface DamagedRecords {
  readonly name: string;
  /** The name under which the file lies as it was. */
  readonly aside: string;
  readonly problems: readonly Problem[];
}

const LINE_END = Buffer.from('\n');

export class RunFolder {
  /** By a clock that nobody sets. */
  private lastWritten = -Infinity;

  private constructor(readonly dir: string) {}

  /** `<output>/<name>-<UTC time>-<4 letters>`: a folder that did not exist. */
  static newPath(output: string, name: string): string {
    const time = new Date().toISOString().replace(/[-:]/g, '').replace(/\..*/, '');
    const letters = Array.from({ length: 4 }, () => 'abcdefghijklmnopqrstuvwxyz'[randomInt(26)]).join('');
    return path.join(output, `${name}-${time}-${letters}`);
  }

  /** Refuses a folder that something is in already, a run or whatever else: a run is alone in its folder. */
  static refuseUsed(dir: string): void {
    const found = asMachineError(dir, () => contentOf(dir));
    if (found === undefined) return;
    const expected = l10n.t('expected a folder that does not exist or is empty');
    throw KernelError.refused([{ file: dir, severity: 'error', found, expected }]);
  }

  /** Makes the folder with its frozen description. Errors as `refuseUsed`. */
  static create(dir: string, info: RunInfo): RunFolder {
    RunFolder.refuseUsed(dir);
    const run = new RunFolder(path.resolve(dir));
    asMachineError(dir, () => {
      makeFolders(run.file('checkpoints'));
      run.setState({ status: 'starting', step: 0, total_steps: info.total_steps });
      // Last: a folder with this file is a run, and a run has a state.
      writeFileAtomic(run.file('run.json'), `${JSON.stringify(info, null, 2)}\n`);
    });
    return run;
  }

  static open(dir: string): RunFolder {
    if (!existsSync(path.join(dir, 'run.json'))) {
      throw KernelError.refused([
        { file: dir, severity: 'error', found: l10n.t('has no run.json'), expected: l10n.t('expected a run folder') },
      ]);
    }
    return new RunFolder(path.resolve(dir));
  }

  file(...parts: readonly string[]): string {
    return path.join(this.dir, ...parts);
  }

  /** Throws `format/invalid` with all that is wrong in the file; so does `state`. */
  get info(): RunInfo {
    return readRunInfo(this.dir);
  }

  get state(): RunState {
    return readRunState(this.dir);
  }

  /**
   * Takes the run over for this process, before the long work of preparing it begins: of several that try at once, one gets
   * it. Refused when another process has it already, and when there is nothing to do.
   */
  claim({ isResumed, as = 'starting' }: { readonly isResumed: boolean; readonly as?: 'queued' | 'starting' }): Claim {
    // A process of another machine cannot be seen; one that wrote how the run ended has ended, or is about to.
    const hasEnded = ({ host, pid }: Owner): boolean => {
      const { state } = this;
      return !isLive(state.status) && state.host === host && state.pid === pid;
    };
    const wanted = isResumed
      ? l10n.t('expected a run that was stopped or has failed')
      : l10n.t('expected a run that was not started');
    const taken = takeOwnership(this.dir, hasEnded);
    if ('owner' in taken) {
      const status = effectiveStatus(this.state);
      const { pid, host } = taken.owner;
      const isHere = host === hostname();
      const found = isLive(status) ? l10n.t('is {0}', status) : l10n.t('was {0} and has just been taken up', status);
      throw this.refused(
        found,
        isHere
          ? l10n.t('{0}; process {1} works on it', wanted, pid)
          : l10n.t('{0}; process {1} on {2} works on it', wanted, pid, host),
      );
    }
    try {
      const before = this.state;
      const status = effectiveStatus(before);
      const isFree = isResumed ? status === 'stopped' || status === 'failed' : before.status === 'starting';
      if (!isFree) throw this.refused(l10n.t('is {0}', status), wanted);
      const { step, total_steps, best } = before;
      this.setState({ status: as, step, total_steps, ...(best && { best }) });
      return { before, release: () => taken.release() };
    } catch (error) {
      taken.release();
      throw error;
    }
  }

  private refused(found: string, expected: string): KernelError {
    return KernelError.refused([{ file: this.dir, severity: 'error', found, expected }]);
  }

  /** Writes the state of this process's run. */
  setState(state: Pick<RunState, 'status' | 'step' | 'total_steps'> & Partial<RunState>): void {
    const full: RunState = { ...state, ...thisProcess(), heartbeat: now() };
    writeFileAtomic(this.file('state.json'), `${JSON.stringify(full)}\n`);
    this.lastWritten = performance.now();
  }

  /** The same, left out when the last one is younger than a heartbeat. */
  beat(state: Pick<RunState, 'status' | 'step' | 'total_steps'> & Partial<RunState>): void {
    if (performance.now() - this.lastWritten >= HEARTBEAT_MS) this.setState(state);
  }

  appendMetric(record: TrainRecord | EvalRecord): void {
    this.append('metrics.jsonl', [record]);
  }

  appendSpectra(records: readonly SpectrumRecord[]): void {
    this.append('spectra.jsonl', records);
  }

  appendSamples(records: readonly SampleRecord[]): void {
    this.append('samples.jsonl', records);
  }

  appendRestart(record: RestartRecord): void {
    this.append('restarts.jsonl', [record]);
  }

  appendActivity(record: ActivityRecord): void {
    this.append('activity.jsonl', [record]);
  }

  /** Losses in the order in which they were recorded; lines that cannot be used are left out. */
  metrics(): readonly MetricRecord[] {
    return this.records('metrics.jsonl') as readonly MetricRecord[];
  }

  /** What happened, in the same way. */
  events(): readonly RunEvent[] {
    return this.records('events.jsonl') as readonly RunEvent[];
  }

  /** What was recorded of the method's activity, in order; lines that cannot be used are left out. */
  activity(): readonly ActivityRecord[] {
    return this.records('activity.jsonl') as readonly ActivityRecord[];
  }

  /** The restarts so far, in the same way. */
  restarts(): readonly RestartRecord[] {
    return this.records('restarts.jsonl') as readonly RestartRecord[];
  }

  /** What the rules of a file say its lines are. */
  private records(name: RecordFileName): readonly object[] {
    return [...scanRecords(this.dir, name)].flatMap(({ record }) => (record ? [record] : []));
  }

  /** Returns the event as it was written. */
  appendEvent(event: RunEvent['event'], step: number, reason?: string, details: EventDetails = {}): RunEvent {
    const record: RunEvent = { event, time: now(), step, ...(reason !== undefined && { reason }), ...details };
    this.append('events.jsonl', [record]);
    return record;
  }

  /** A line of `log.txt`, with the time. */
  log(text: string): void {
    appendToFile(this.file('log.txt'), `${new Date(now() * 1000).toISOString()} ${text}\n`);
  }

  /** Steps of complete checkpoints, ascending. */
  checkpoints(): readonly number[] {
    return readdirSync(this.file('checkpoints'))
      .flatMap((name) => {
        const step = Number(/^step-(\d+)$/.exec(name)?.[1]);
        return name === path.basename(this.checkpointDir(step)) ? [step] : [];
      })
      .sort((a, b) => a - b);
  }

  /** Takes a checkpoint that is not whole out of the way, under another name; returns that, relative to the run. */
  setAside(step: number): string {
    const dir = this.checkpointDir(step);
    const aside = freeName(`${dir}.damaged`);
    try {
      renameSync(dir, aside);
    } catch (cause) {
      throw new KernelError('machine/failed', l10n.t('{0} could not be renamed: {1}', dir, String(cause)), { cause });
    }
    return path.relative(this.dir, aside);
  }

  /**
   * Removes a checkpoint. It loses its name first: a process that is killed at that leaves no half of one, only a temporary
   * folder that the next owner removes. Throws `machine/failed`; it is whole then or has lost its name.
   */
  removeCheckpoint(step: number): void {
    const dir = this.checkpointDir(step);
    const aside = freeName(path.join(path.dirname(dir), `.${path.basename(dir)}.removed.tmp`));
    try {
      renameSync(dir, aside);
      rmSync(aside, { recursive: true });
    } catch (cause) {
      throw new KernelError('machine/failed', l10n.t('{0} could not be removed: {1}', dir, String(cause)), { cause });
    }
  }

  checkpointDir(step: number): string {
    return this.file('checkpoints', `step-${String(step).padStart(6, '0')}`);
  }

  /**
   * Removes what was recorded after `step` (before the first: −1), and what a process left behind that died while writing:
   * half a line at the end of a file, half a checkpoint, temporary files. What belongs to the step itself stays, and so does
   * every event. A file with lines that cannot be used is kept under another name before they are left out. Only for the
   * owner of the run.
   */
  truncateAfter(step: number): Truncation {
    for (const folder of [this.dir, this.file('checkpoints')]) {
      const left = readdirSync(folder).filter((name) => name.startsWith('.') && name.endsWith('.tmp'));
      for (const name of left) rmSync(path.join(folder, name), { recursive: true, force: true });
    }
    let removed = 0;
    const damaged: DamagedRecords[] = [];
    for (const name of recordFileNames) {
      const { isHistory } = recordsOf(name);
      const outcome = this.keepRecords(name, isHistory ? Infinity : step);
      if (!isHistory) removed += outcome.removed;
      if (outcome.damaged) damaged.push(outcome.damaged);
    }
    return { removed, damaged };
  }

  /** Rewrites a file of records, when there is something to leave out. */
  private keepRecords(name: RecordFileName, upTo: number): { removed: number; damaged?: DamagedRecords } {
    const file = this.file(name);
    if (!existsSync(file)) return { removed: 0 };
    const kept: Uint8Array[] = [];
    const problems: Problem[] = [];
    let removed = 0;
    for (const { bytes, record, problem } of scanRecords(this.dir, name)) {
      if (problem) problems.push(problem);
      else if (record && record.step <= upTo) kept.push(bytes, LINE_END);
      else removed++;
    }
    const before = readFileSync(file);
    const after = Buffer.concat(kept);
    const aside = problems.length > 0 ? freeName(`${file}.damaged`) : undefined;
    if (aside !== undefined) writeFileAtomic(aside, before);
    if (!after.equals(before)) writeFileAtomic(file, after);
    return { removed, ...(aside !== undefined && { damaged: { name, aside: path.basename(aside), problems } }) };
  }

  private append(name: string, records: readonly object[]): void {
    if (records.length === 0) return;
    appendToFile(this.file(name), records.map((r) => `${JSON.stringify(r)}\n`).join(''));
  }
}

/** What keeps a new run out of `dir`; undefined: there is nothing, or an empty folder. */
function contentOf(dir: string): string | undefined {
  const stats = statSync(dir, { throwIfNoEntry: false });
  if (!stats) return undefined;
  if (!stats.isDirectory()) return l10n.t('is no folder');
  if (existsSync(path.join(dir, 'run.json'))) return l10n.t('already holds a run');
  const [name] = readdirSync(dir);
  return name === undefined ? undefined : l10n.t('already holds {0}', name);
}

function asMachineError<T>(dir: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof KernelError) throw cause;
    throw new KernelError('machine/failed', l10n.t('the run folder {0} could not be made: {1}', dir, String(cause)), {
      cause,
    });
  }
}

const LIVE: ReadonlySet<RunStatus> = new Set(['queued', 'starting', 'running', 'stopping']);

/** Whether a process works on a run of this status. */
export const isLive = (status: RunStatus): boolean => LIVE.has(status);

/** The status as it is: a run whose process is gone while its file says running has failed. */
export function effectiveStatus(
  state: Pick<RunState, 'status' | 'pid' | 'host' | 'heartbeat' | 'process_start'>,
): RunStatus {
  if (!isLive(state.status) || state.host !== hostname()) return state.status;
  return isAlive(state.pid, state.heartbeat, state.process_start) ? state.status : 'failed';
}

/** A path that nothing lies at yet: `path` itself, or with a number. */
function freeName(wanted: string): string {
  let free = wanted;
  for (let i = 2; existsSync(free); i++) free = `${wanted}-${i}`;
  return free;
}
