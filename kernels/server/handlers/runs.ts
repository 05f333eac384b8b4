/** @file Answers about runs: start, resume, stop, which are live. */
import * as l10n from '@vscode/l10n';
import type { RunCalls } from '../../protocol/calls/runs';
import { KernelError } from '../../protocol/errors';
import { sendControl } from '../../runs/control';
import { liveRuns } from '../../runs/queue';
import { effectiveStatus, RunFolder } from '../../runs/runFolder';
import { readConfig } from '../../check/checkConfig';
import { prepareRun } from '../../trainer/prepare';
import type { HandlersOf } from '../serve';
import { startDetached } from '../startRun';

export const runHandlers: HandlersOf<RunCalls> = {
  'run/start': async ({ config: file, mode = 'beside' }, { signal, progress }) => {
    const config = readConfig(file);
    // Prepared here so that the person hears at once what is wrong; the run itself finds the tokens in the cache, and makes the start.
    const prepared = await prepareRun(file, config, {
      signal,
      isForInfo: true,
      onProgress: (message, fraction) => progress({ message, ...(fraction !== undefined && { fraction }) }),
    });
    prepared.close();
    signal.throwIfAborted();
    const run = RunFolder.create(RunFolder.newPath(config.output, prepared.info.name), prepared.info);
    await startDetached(run, { isResumed: false, mode });
    return { run: run.dir };
  },
  'run/resume': async ({ run: dir, mode = 'beside' }) => {
    const run = RunFolder.open(dir);
    const status = effectiveStatus(run.state);
    if (status !== 'stopped' && status !== 'failed') {
      throw new KernelError(
        'input/refused',
        l10n.t('the run is {0}; only a stopped or failed run can be resumed', status),
      );
    }
    await startDetached(run, { isResumed: true, mode });
    return { run: run.dir };
  },
  'run/live': () => ({ runs: liveRuns() }),
  'run/stop': ({ run }) => sendControl(RunFolder.open(run), 'stop'),
};
