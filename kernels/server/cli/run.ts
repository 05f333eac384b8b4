/** @file `run`: what a detached run process executes. It knows its folder and nothing else. */
import { RunFolder } from '../../runs/runFolder';
import { executeRun, prepareAgain } from '../executeRun';
import type { Command } from './command';
import { EXIT, oneArgument } from './command';

export const runCommand: Command = {
  name: 'run',
  usage: 'RUN [--resume] [--queue]',
  summary: 'Executes a run folder; used for detached runs and cluster jobs.',
  options: { resume: { type: 'boolean' }, queue: { type: 'boolean' } },
  isInternal: true,
  async run(context) {
    const run = RunFolder.open(oneArgument(context, 'a run folder'));
    const { signal, values } = context;
    const { status } = await executeRun(run, {
      isResumed: values.resume === true,
      mode: values.queue === true ? 'queue' : 'beside',
      signal,
      prepare: (stopping, onProgress) => prepareAgain(run, { signal: stopping, onProgress }),
      onRefused: 'fail',
    });
    return status === 'stopped' ? EXIT.interrupted : EXIT.done;
  },
};
