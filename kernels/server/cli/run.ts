/** @file `run`: what a detached run process executes. It knows its folder and nothing else. */
import { RunFolder } from '../../runs/runFolder';
import type { PreparedRun } from '../../trainer/prepare';
import { executeRun, failRun, prepareAgain } from '../executeRun';
import type { Command } from './command';
import { EXIT, oneArgument } from './command';

export const runCommand: Command = {
  name: 'run',
  usage: 'RUN [--resume]',
  summary: 'Executes a run folder; used for detached runs and cluster jobs.',
  options: { resume: { type: 'boolean' } },
  isInternal: true,
  async run(context) {
    const run = RunFolder.open(oneArgument(context, 'a run folder'));
    const { signal } = context;
    const isResumed = context.values.resume === true;
    const before = run.claim({ isResumed });
    let prepared: PreparedRun;
    try {
      prepared = await prepareAgain(run, { signal });
    } catch (error) {
      if (signal.aborted) run.setState({ ...before, status: 'stopped' });
      else failRun(run, error);
      throw error;
    }
    const { status } = await executeRun(run, prepared, { isResumed, signal });
    return status === 'stopped' ? EXIT.interrupted : EXIT.done;
  },
};
