/** @file Starts a run as a detached process that outlives its starter, and waits until it lives. */
import * as l10n from '@vscode/l10n';
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import type { RunMode } from '../protocol/calls/runs';
import { KernelError } from '../protocol/errors';
import type { RunFolder } from '../runs/runFolder';
import { effectiveStatus, isLive } from '../runs/runFolder';
import { trainingEnvironment } from '../runtime/allocator';

/** How long a new process may take to say that it lives; what it prepares then may take longer. */
const START_TIMEOUT_MS = 60_000;

export interface StartOptions {
  readonly isResumed: boolean;
  readonly mode: RunMode;
}

/** Returns when the process trains or waits for its turn, or throws with what it said. */
export async function startDetached(run: RunFolder, { isResumed, mode }: StartOptions): Promise<void> {
  const program = process.argv[1];
  if (!program) throw new KernelError('internal', l10n.t('the program to start was not found'));
  const log = openSync(run.file('log.txt'), 'a');
  const options = [...(isResumed ? ['--resume'] : []), ...(mode === 'queue' ? ['--queue'] : [])];
  const child = spawn(process.execPath, [program, 'run', run.dir, ...options], {
    detached: true,
    stdio: ['ignore', log, log],
    env: { ...trainingEnvironment(), ELECTRON_RUN_AS_NODE: '1' },
  });
  closeSync(log);
  const exit: { reason?: string } = {};
  child.once('error', (error) => (exit.reason = String(error)));
  child.once(
    'exit',
    (code, signal) =>
      (exit.reason = l10n.t('the process ended with {0}', signal ?? l10n.t('status {0}', String(code)))),
  );
  child.unref();
  let isClaimed = false;
  for (const end = Date.now() + START_TIMEOUT_MS; isClaimed || Date.now() < end;) {
    const { reason } = exit;
    const { state } = run;
    isClaimed = state.pid === child.pid;
    if (isClaimed && state.status !== 'starting') {
      if (state.status === 'failed') throw new KernelError('input/refused', state.error ?? l10n.t('the run failed'));
      return;
    }
    if (reason !== undefined) refuseSecond(run, child.pid);
    if (reason !== undefined)
      throw new KernelError('kernel/exited', l10n.t('{0}; see {1}', reason, run.file('log.txt')));
    await new Promise((resume) => setTimeout(resume, 50));
  }
  throw new KernelError(
    'machine/failed',
    l10n.t('the run did not start in {0} s; see {1}', START_TIMEOUT_MS / 1000, run.file('log.txt')),
  );
}

/** Another window may have been faster by a moment: then the run is at work, and that is what there is to say. */
function refuseSecond(run: RunFolder, own: number | undefined): void {
  const { state } = run;
  const status = effectiveStatus(state);
  if (state.pid === own || !isLive(status)) return;
  const expected = l10n.t('expected a run that no process works on; process {0} was faster', state.pid);
  throw KernelError.refused([{ file: run.dir, severity: 'error', found: l10n.t('is {0}', status), expected }]);
}
