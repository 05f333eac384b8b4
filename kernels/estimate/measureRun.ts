/** @file Measures a run's steps in a process of its own, so that its peak is its own and a cancelled wait ends at once. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import * as l10n from '@vscode/l10n';
import type { EstimateMeasurement } from '../protocol/calls/estimate';
import { KernelError } from '../protocol/errors';
import type { Progress } from '../protocol/kernelApi';
import { trainingEnvironment } from '../runtime/allocator';
import type { PreparedRun } from '../trainer/prepare';
import { RunSpectra } from '../trainer/spectra';
import type { BatchPlan } from './batchPlan';
import { runTime } from './runTime';
import type { StepTimings } from './stepTiming';

export interface MeasureOptions {
  readonly file: string;
  readonly overrides: readonly string[];
  readonly signal?: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
}

/** What the child writes, one object a line. */
export type MeasureRecord =
  | { readonly progress: string; readonly fraction: number }
  | { readonly timings: StepTimings }
  | { readonly error: { readonly message: string } };

export async function measureRun(
  run: PreparedRun,
  batches: BatchPlan,
  options: MeasureOptions,
): Promise<EstimateMeasurement> {
  const timings = await timingsOf(run, options);
  const { points, isEmpty } = new RunSpectra(run);
  return runTime(
    {
      shapes: batches.shapes,
      totalSteps: run.totalSteps,
      tokensPerStep: batches.tokens.mean,
      compilations: batches.compilations,
      checkpoints: batches.checkpoints,
      samplings: batches.samplings,
      spectra: isEmpty ? 0 : 1 + Math.min(points, run.totalSteps),
    },
    timings,
  );
}

async function timingsOf(run: PreparedRun, options: MeasureOptions): Promise<StepTimings> {
  const { file, overrides, signal, onProgress } = options;
  const program = process.argv[1];
  if (!program) throw new KernelError('internal', l10n.t('the program that measures was not found'));
  if (signal?.aborted) throw new KernelError('cancelled', 'the measurement was cancelled');
  // The device was probed for this estimate already, and the run would choose the same.
  const set = [...overrides, `runtime.device=${run.device}`].flatMap((value) => ['--set', value]);
  const child = spawn(process.execPath, [program, 'time-steps', file, ...set, '--json'], {
    env: { ...trainingEnvironment(), ELECTRON_RUN_AS_NODE: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const cancel = (): void => void child.kill('SIGKILL');
  signal?.addEventListener('abort', cancel);
  let [err, timings, message]: [string, StepTimings | undefined, string | undefined] = ['', undefined, undefined];
  child.stderr.on('data', (chunk: Buffer) => (err = `${err}${chunk.toString()}`.slice(-4000)));
  createInterface({ input: child.stdout }).on('line', (line) => {
    const record = JSON.parse(line) as MeasureRecord;
    if ('timings' in record) timings = record.timings;
    else if ('error' in record) message = record.error.message;
    else onProgress({ message: record.progress, fraction: record.fraction });
  });
  try {
    const ended = await new Promise<string>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, by) => resolve(by ?? l10n.t('status {0}', String(code))));
    });
    if (signal?.aborted) throw new KernelError('cancelled', 'the measurement was cancelled');
    if (timings) return timings;
    const why = message ?? err.trim().split('\n').at(-1) ?? '';
    const what =
      ended === 'SIGKILL'
        ? l10n.t('the measuring process ended with SIGKILL (the system kills a process when memory runs out): {0}', why)
        : l10n.t('the measuring process ended with {0}: {1}', ended, why);
    throw new KernelError('machine/failed', what);
  } finally {
    signal?.removeEventListener('abort', cancel);
  }
}
