/** @file Runs a run folder in this process: control socket, log, trainer. Used in the foreground and by detached runs. */
import { appendFileSync } from 'node:fs';
import type { ResolvedConfig } from '../config/loadConfig';
import { KernelError } from '../protocol/errors';
import { serveControl } from '../runs/control';
import type { RunFolder } from '../runs/runFolder';
import { effectiveStatus, now } from '../runs/runFolder';
import type { PreparedRun, PrepareOptions } from '../trainer/prepare';
import { prepareRun } from '../trainer/prepare';
import type { TrainListener, TrainOutcome } from '../trainer/trainer';
import { train } from '../trainer/trainer';

export interface ExecuteOptions {
  readonly isResumed: boolean;
  readonly signal: AbortSignal;
  readonly listener?: TrainListener;
}

/** Trains until the end or a stop. The run can be stopped by the signal or through its control socket. */
export async function executeRun(
  run: RunFolder,
  prepared: PreparedRun,
  options: ExecuteOptions,
): Promise<TrainOutcome> {
  const stopping = new AbortController();
  const stop = (): void => stopping.abort();
  options.signal.addEventListener('abort', stop);
  if (options.signal.aborted) stop();
  let settled: (outcome: { step: number }) => void = () => undefined;
  const over = new Promise<{ step: number }>((resolve) => (settled = resolve));
  const control = await serveControl(run, () => {
    stop();
    return over;
  });
  const { device, threads, totalSteps } = prepared;
  log(
    run,
    `${options.isResumed ? 'resumed' : 'started'}: ${totalSteps} steps on ${device} with ${threads} threads, process ${process.pid}`,
  );
  for (const warning of prepared.warnings) log(run, `note: ${warning}`);
  try {
    const outcome = await train(run, prepared, {
      isResumed: options.isResumed,
      signal: stopping.signal,
      listener: {
        ...options.listener,
        onEvent: (event, step, reason) => {
          log(run, `step ${step}: ${event}${reason === undefined ? '' : `, ${reason}`}`);
          options.listener?.onEvent?.(event, step, reason);
        },
      },
    });
    settled({ step: outcome.step });
    // The answer must leave before the process ends.
    await new Promise((resume) => setTimeout(resume, 20));
    return outcome;
  } catch (error) {
    settled({ step: run.state.step });
    log(run, error instanceof Error ? (error.stack ?? error.message) : String(error));
    throw error;
  } finally {
    control.close();
    options.signal.removeEventListener('abort', stop);
    prepared.close();
  }
}

/** Prepares a run from its folder alone; refuses when what it was started from has changed. */
export async function prepareAgain(
  run: RunFolder,
  options: PrepareOptions & { readonly isResumed: boolean },
): Promise<PreparedRun> {
  const { info, state } = run;
  if (options.isResumed) {
    const status = effectiveStatus(state);
    if (status !== 'stopped' && status !== 'failed') {
      throw refused(run, `is ${status}`, 'expected a run that was stopped or has failed');
    }
  }
  const prepared = await prepareRun(info.config_file, info.config as unknown as ResolvedConfig, {
    ...options,
    startedAt: new Date(info.created * 1000),
  });
  for (const [what, digest] of Object.entries(info.digests)) {
    if (prepared.info.digests[what] !== digest) {
      prepared.close();
      const changed = what === 'base' ? 'the base model' : `the ${what} data`;
      throw refused(run, `${changed} changed since the run was started`, 'expected the same files; start a new run');
    }
  }
  return prepared;
}

/** Says in the folder that the run could not even begin. */
export function failRun(run: RunFolder, error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  const { step, total_steps } = run.state;
  if (run.state.status === 'failed') return;
  run.setState({ status: 'failed', step, total_steps, error: message });
  run.appendEvent('failed', step, message);
  log(run, message);
}

function log(run: RunFolder, text: string): void {
  appendFileSync(run.file('log.txt'), `${new Date(now() * 1000).toISOString()} ${text}\n`);
}

function refused(run: RunFolder, found: string, expected: string): KernelError {
  return KernelError.refused([{ file: run.dir, severity: 'error', found, expected }]);
}
