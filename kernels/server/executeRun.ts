/**
 * @file Runs a run folder in this process, in the foreground or detached: takes the folder, listens for commands, waits for
 * its turn, prepares, trains, and leaves the folder saying what became of it.
 */
import * as l10n from '@vscode/l10n';
import { adapterMethods } from '../adapters/registry';
import type { ResolvedConfig } from '../config/loadConfig';
import { frozenConfig } from '../config/frozenConfig';
import { isDiskFull } from '../formats/atomicFile';
import { KernelError } from '../protocol/errors';
import type { RunMode } from '../protocol/calls/runs';
import type { RunEvent } from '../protocol/types';
import { giveUpRoom, holdRoom } from '../runs/ballast';
import { serveControl } from '../runs/control';
import { QueueTicket } from '../runs/queue';
import type { Claim, RunFolder } from '../runs/runFolder';
import { INFO_FILE } from '../runs/runDescription';
import { effectiveStatus } from '../runs/runFolder';
import type { PreparedRun, PrepareOptions } from '../trainer/prepare';
import { prepareRun } from '../trainer/prepare';
import type { TrainListener, TrainOutcome } from '../trainer/trainer';
import { train } from '../trainer/trainer';

type ReportProgress = NonNullable<PrepareOptions['onProgress']>;

/** How often a waiting run looks whether it is its turn. */
const TURN_POLL_MS = 500;

export interface ExecuteOptions {
  readonly isResumed: boolean;
  readonly mode: RunMode;
  /** Asks the run to stop, as its control socket does. */
  readonly signal: AbortSignal;
  /** Called when it is the run's turn. What it returns is closed here. */
  readonly prepare: (signal: AbortSignal, onProgress: ReportProgress) => Promise<PreparedRun>;
  /** `restore`: a run that cannot be prepared keeps the state it had; `fail`: its state says why, for it has no other voice. */
  readonly onRefused: 'fail' | 'restore';
  readonly listener?: (prepared: PreparedRun) => TrainListener;
  /** Events before the training. */
  readonly onEvent?: (event: RunEvent) => void;
}

/** Trains until the end or a stop. A run that is stopped before it trains loses nothing and can be resumed. */
export async function executeRun(run: RunFolder, options: ExecuteOptions): Promise<TrainOutcome> {
  const { isResumed, mode } = options;
  const claim = run.claim({ isResumed, as: mode === 'queue' ? 'queued' : 'starting' });
  const stopping = new AbortController();
  const stop = (): void => stopping.abort();
  options.signal.addEventListener('abort', stop);
  if (options.signal.aborted) stop();
  let settled: (outcome: { step: number }) => void = () => undefined;
  const over = new Promise<{ step: number }>((resolve) => (settled = resolve));
  const closing: (() => void)[] = [() => claim.release(), () => options.signal.removeEventListener('abort', stop)];
  try {
    holdRoom(run.dir);
    closing.push(() => giveUpRoom(run.dir));
    const control = await serveControl(run, () => {
      stop();
      return over;
    });
    closing.push(() => control.close());
    const ticket = QueueTicket.take({ dir: run.dir, name: run.info.name }, mode === 'queue');
    closing.push(() => ticket.leave());
    const outcome = await attend(run, claim, ticket, stopping.signal, options, closing);
    settled({ step: outcome.step });
    // The answer must leave before the process ends.
    await new Promise((resume) => setTimeout(resume, 20));
    return outcome;
  } catch (error) {
    settled({ step: claim.before.step });
    recordFailure(run, error);
    throw error;
  } finally {
    for (const close of closing.reverse()) close();
  }
}

/** What a run does once it has its folder. */
async function attend(
  run: RunFolder,
  claim: Claim,
  ticket: QueueTicket,
  signal: AbortSignal,
  options: ExecuteOptions,
  closing: (() => void)[],
): Promise<TrainOutcome> {
  const { isResumed } = options;
  let prepared: PreparedRun;
  try {
    await waitForTurn(run, ticket, signal, options);
    const { step, total_steps, best } = claim.before;
    const starting = { status: 'starting', step, total_steps, ...(best && { best }) } as const;
    run.setState(starting);
    let told: string | undefined;
    prepared = await options.prepare(signal, (what, fraction) => {
      const state = { ...starting, doing: { what, ...(fraction !== undefined && { fraction }) } };
      if (what !== told) run.setState(state);
      else run.beat(state);
      told = what;
    });
    closing.push(() => prepared.close());
  } catch (error) {
    if (signal.aborted) return stoppedBefore(run, claim, options);
    if (options.onRefused === 'restore') run.setState({ ...claim.before, status: effectiveStatus(claim.before) });
    throw error;
  }
  const { device, threads, totalSteps } = prepared;
  run.log(
    `${isResumed ? 'resumed' : 'started'}: ${totalSteps} steps on ${device} with ${threads} threads, process ${process.pid}`,
  );
  for (const warning of prepared.warnings) run.log(`note: ${warning}`);
  const listener = options.listener?.(prepared);
  return train(run, prepared, {
    isResumed,
    signal,
    listener: {
      ...listener,
      onEvent: (event) => {
        run.log(logLine(event));
        listener?.onEvent?.(event);
      },
    },
  });
}

/** Returns when it is the run's turn; at once for one that does not queue. Throws when the signal fires. */
async function waitForTurn(
  run: RunFolder,
  ticket: QueueTicket,
  signal: AbortSignal,
  options: ExecuteOptions,
): Promise<void> {
  if (options.mode !== 'queue') return;
  const { step, total_steps, best } = run.state;
  let told: string | undefined;
  for (let ahead = ticket.waitsFor(); ahead; ahead = ticket.waitsFor()) {
    signal.throwIfAborted();
    if (ahead.run !== told) {
      told = ahead.run;
      const event = run.appendEvent('queued', step, `waits for ${ahead.name} (${ahead.run}, process ${ahead.pid})`);
      run.log(logLine(event));
      options.onEvent?.(event);
    }
    run.beat({ status: 'queued', step, total_steps, ...(best && { best }) });
    await new Promise((resume) => setTimeout(resume, TURN_POLL_MS));
  }
  signal.throwIfAborted();
  ticket.begin();
}

/** Asked to stop while it waited or was being prepared: nothing has changed, and the run can be resumed. */
function stoppedBefore(run: RunFolder, { before }: Claim, options: ExecuteOptions): TrainOutcome {
  const { step, total_steps, best } = before;
  const event = run.appendEvent('stopped', step, 'asked to stop before it trained');
  run.log(logLine(event));
  options.onEvent?.(event);
  run.setState({ status: 'stopped', step, total_steps, ...(best && { best }) });
  return { status: 'stopped', step };
}

/** Prepares a run from its folder alone; refuses when what it was started from has changed. */
export async function prepareAgain(run: RunFolder, options: PrepareOptions): Promise<PreparedRun> {
  const { info } = run;
  const { provider, threads } = info.device;
  const config = frozenConfig(info.config, run.file(INFO_FILE), adapterMethods);
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
      const found = l10n.t('{0} changed since the run was started', digested(what));
      const expected = l10n.t('expected the same files; start a new run');
      throw KernelError.refused([{ file: run.dir, severity: 'error', found, expected }]);
    }
  }
  return prepared;
}

/** What a digest of `run.json` is of. */
function digested(what: string): string {
  switch (what) {
    case 'base':
      return l10n.t('the base model');
    case 'train':
      return l10n.t('the training data');
    case 'eval':
      return l10n.t('the evaluation data');
    case 'init_from':
      return l10n.t('the adapter it starts from');
    default:
      return what;
  }
}

/** Says in the folder that the run has failed, if it does not say so yet and as far as the disk lets it. */
function recordFailure(run: RunFolder, error: unknown): void {
  if (isDiskFull(error)) giveUpRoom(run.dir);
  const message = error instanceof Error ? error.message : String(error);
  const attempt = (work: () => void): void => {
    try {
      work();
    } catch {
      // The disk may be what failed; the error itself goes on to the caller.
    }
  };
  attempt(() => {
    const { status, step, total_steps, best } = run.state;
    if (status === 'failed' || status === 'stopped') return;
    run.setState({ status: 'failed', step, total_steps, error: message, ...(best && { best }) });
    run.appendEvent('failed', step, message);
  });
  attempt(() => run.log(error instanceof Error && !KernelError.is(error) ? (error.stack ?? message) : message));
}

const logLine = ({ event, step, reason, action }: RunEvent): string =>
  `step ${step}: ${[event, reason, action].filter((part) => part !== undefined).join(', ')}`;
