/** @file Runs a run folder in this process: control socket, log, trainer. Used in the foreground and by detached runs. */
import { appendFileSync } from 'node:fs';
import type { ResolvedConfig } from '../config/loadConfig';
import { KernelError } from '../protocol/errors';
import type { Control } from '../runs/control';
import { serveControl } from '../runs/control';
import type { RunFolder } from '../runs/runFolder';
import { now } from '../runs/runFolder';
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
  const { device, threads, totalSteps } = prepared;
  let control: Control | undefined;
  try {
    control = await serveControl(run, () => {
      stop();
      return over;
    });
    log(
      run,
      `${options.isResumed ? 'resumed' : 'started'}: ${totalSteps} steps on ${device} with ${threads} threads, process ${process.pid}`,
    );
    for (const warning of prepared.warnings) log(run, `note: ${warning}`);
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
    if (run.state.status !== 'failed') failRun(run, error);
    log(run, error instanceof Error ? (error.stack ?? error.message) : String(error));
    throw error;
  } finally {
    control?.close();
    options.signal.removeEventListener('abort', stop);
    prepared.close();
  }
}

/** Prepares a run from its folder alone; refuses when what it was started from has changed. */
export async function prepareAgain(run: RunFolder, options: PrepareOptions): Promise<PreparedRun> {
  const { info } = run;
  const { provider, threads } = info.device;
  const config = info.config as unknown as ResolvedConfig;
  // On the device and with the threads it began with, even where `auto` would choose others today: the same numbers.
  const runtime = { ...config.runtime, device: provider as ResolvedConfig['runtime']['device'], threads };
  const prepared = await prepareRun(
    info.config_file,
    { ...config, runtime },
    { ...options, startedAt: new Date(info.created * 1000) },
  );
  for (const [what, digest] of Object.entries(info.digests)) {
    if (prepared.info.digests[what] !== digest) {
      prepared.close();
      const found = `${DIGESTED[what] ?? what} changed since the run was started`;
      const expected = 'expected the same files; start a new run';
      throw KernelError.refused([{ file: run.dir, severity: 'error', found, expected }]);
    }
  }
  return prepared;
}

const DIGESTED: Readonly<Record<string, string>> = {
  base: 'the base model',
  train: 'the training data',
  eval: 'the evaluation data',
  init_from: 'the adapter it starts from',
};

/** Says in the folder that the run could not even begin. */
export function failRun(run: RunFolder, error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  const { step, total_steps, best } = run.state;
  run.setState({ status: 'failed', step, total_steps, error: message, ...(best && { best }) });
  run.appendEvent('failed', step, message);
  log(run, message);
}

function log(run: RunFolder, text: string): void {
  appendFileSync(run.file('log.txt'), `${new Date(now() * 1000).toISOString()} ${text}\n`);
}
