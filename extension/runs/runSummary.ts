/** @file What the tree and the status bar show of a run, read cheaply: two small files and the ends of two records. */
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { ActivityFigure, RunInfo, RunState } from '../../kernels/protocol/types';
import { effectiveState, isLive, thisMachine, type Machine } from './liveness';
import { parseActivity, parseMetric } from './records';
import { readRunContents, readRunInfo, readRunState, runFiles, type RunContents } from './runFolder';

export interface RunSummary {
  readonly folder: string;
  readonly info: RunInfo;
  readonly state: RunState;
  readonly contents: RunContents;
  /** Loss of the last recorded training step. */
  readonly loss: number | null;
  readonly etaSeconds: number | null;
  /** Figures of the latest activity whose rules are not met: with any, the method does not do what it says. */
  readonly redFigures: readonly ActivityFigure[];
}

const TAIL_BYTES = 32_768;
const ETA_STEPS = 20;

/** Null when the folder is not (or no longer) a run. Throws when its files are damaged. */
export async function readRunSummary(folder: string, machine: Machine = thisMachine): Promise<RunSummary | null> {
  const [info, written] = await Promise.all([readRunInfo(folder), readRunState(folder)]);
  if (!info || !written) return null;
  const state = effectiveState(written, machine);
  const recent = (await readLastRecords(join(folder, runFiles.metrics), parseMetric)).filter((r) => r.kind === 'train');
  const last = recent.at(-1);
  const activity = (await readLastRecords(join(folder, runFiles.activity), parseActivity)).at(-1);
  const seconds = recent.slice(-ETA_STEPS).map((record) => record.step_seconds);
  const perStep = seconds.reduce((sum, s) => sum + s, 0) / seconds.length;
  return {
    folder,
    info,
    state,
    contents: await readRunContents(folder),
    loss: last && Number.isFinite(last.loss) ? last.loss : null,
    etaSeconds: last && isLive(state) ? Math.max(0, state.total_steps - last.step) * perStep : null,
    redFigures: (activity?.figures ?? []).filter(({ verdict }) => verdict === 'red'),
  };
}

/** What can be done with a run now. */
export function capabilities(run: Pick<RunSummary, 'state' | 'contents'>): {
  readonly stop: boolean;
  readonly resume: boolean;
  readonly merge: boolean;
  readonly delete: boolean;
} {
  const { status } = run.state;
  return {
    // A queued run is stopped before it has begun.
    stop: status === 'starting' || status === 'running' || status === 'queued',
    resume: (status === 'stopped' || status === 'failed') && run.contents.lastCheckpoint !== null,
    merge: run.contents.adapter !== null || run.contents.lastCheckpoint !== null,
    delete: !isLive(run.state),
  };
}

/** The records at the end of a file of lines; lines that are not records are left to the reader of the whole file. */
async function readLastRecords<T>(file: string, parse: (value: unknown) => T): Promise<T[]> {
  let text: string;
  try {
    const handle = await open(file, 'r');
    try {
      const { size } = await handle.stat();
      const length = Math.min(size, TAIL_BYTES);
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, size - length);
      text = buffer.toString('utf8', 0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  // The first line may be cut at its beginning, the last at its end.
  return text.split('\n').flatMap((line) => {
    try {
      return [parse(JSON.parse(line))];
    } catch {
      return [];
    }
  });
}
