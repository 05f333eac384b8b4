/** @file `run`: what a detached run process executes. It knows its folder and nothing else. */
import { RunFolder } from '../../runs/runFolder';
import { executeRun, failRun, prepareAgain } from '../executeRun';
import type { Command } from './command';
import { oneArgument } from './command';

export const runCommand: Command = {
  name: 'run',
  usage: 'RUN [--resume]',
  summary: 'Executes a run folder; used for detached runs and cluster jobs.',
  options: { resume: { type: 'boolean' } },
  isInternal: true,
  async run(context) {
    const run = RunFolder.open(oneArgument(context, 'a run folder'));
    const isResumed = context.values.resume === true;
    try {
      const prepared = await prepareAgain(run, { isResumed, signal: context.signal });
      await executeRun(run, prepared, { isResumed, signal: context.signal });
    } catch (error) {
      failRun(run, error);
      throw error;
    }
  },
};
