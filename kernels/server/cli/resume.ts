/** @file `resume`: goes on with a stopped or failed run from its last complete checkpoint, in the foreground. */
import { executeRun, prepareAgain } from '../executeRun';
import { RunFolder } from '../../runs/runFolder';
import type { Command } from './command';
import { oneArgument, progressOn } from './command';
import { reportOutcome } from './reportOutcome';
import { eventListener, runListener } from './runListener';

export const resumeCommand: Command = {
  name: 'resume',
  usage: 'RUN [--queue]',
  summary:
    'Goes on with a run from its last complete checkpoint, exactly as if it had never stopped; with --queue after the runs ' +
    'that are live now.',
  options: { queue: { type: 'boolean' } },
  async run(context) {
    const { out, signal, values } = context;
    const run = RunFolder.open(oneArgument(context, 'a run folder'));
    const outcome = await executeRun(run, {
      isResumed: true,
      mode: values.queue === true ? 'queue' : 'beside',
      signal,
      prepare: async (stopping, onProgress) => {
        const show = progressOn(out);
        const both = (message: string, fraction?: number): void => {
          show(message, fraction);
          onProgress(message, fraction);
        };
        const prepared = await prepareAgain(run, { signal: stopping, onProgress: both });
        out.clearProgress();
        out.record({ run: run.dir });
        out.folder(run.dir);
        return prepared;
      },
      onRefused: 'restore',
      listener: (prepared) => runListener(out, prepared),
      onEvent: eventListener(out),
    });
    return reportOutcome(out, run, outcome);
  },
};
