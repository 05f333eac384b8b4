/** @file `resume`: goes on with a stopped or failed run from its last complete checkpoint, in the foreground. */
import { executeRun, prepareAgain } from '../executeRun';
import { effectiveStatus, RunFolder } from '../../runs/runFolder';
import type { PreparedRun } from '../../trainer/prepare';
import type { Command } from './command';
import { oneArgument } from './command';
import { reportOutcome } from './reportOutcome';
import { runListener } from './runListener';

export const resumeCommand: Command = {
  name: 'resume',
  usage: 'RUN',
  summary: 'Goes on with a run from its last complete checkpoint, exactly as if it had never stopped.',
  options: {},
  async run(context) {
    const { out, signal } = context;
    const run = RunFolder.open(oneArgument(context, 'a run folder'));
    const before = run.claim({ isResumed: true });
    let prepared: PreparedRun;
    try {
      prepared = await prepareAgain(run, { signal, onProgress: (message) => out.progress(message) });
    } catch (error) {
      run.setState({ ...before, status: effectiveStatus(before) });
      throw error;
    }
    out.clearProgress();
    out.record({ run: run.dir });
    out.line(run.dir);
    const outcome = await executeRun(run, prepared, { isResumed: true, signal, listener: runListener(out, prepared) });
    return reportOutcome(out, run, outcome);
  },
};
