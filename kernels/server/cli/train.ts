/** @file `train`: makes a run folder and trains in this process, in the foreground. */
import path from 'node:path';
import { formatProblem } from '../../protocol/errors';
import { readConfig } from '../../check/checkConfig';
import { prepareRun } from '../../trainer/prepare';
import { RunFolder } from '../../runs/runFolder';
import { executeRun } from '../executeRun';
import type { Command } from './command';
import { listOption, oneArgument, progressOn, stringOption } from './command';
import { withPlaces } from './placedProblems';
import { reportOutcome } from './reportOutcome';
import { eventListener, runListener } from './runListener';

export const trainCommand: Command = {
  name: 'train',
  usage: 'FILE.adapter.yaml [--set training.max_steps=10]… [--run DIR] [--queue]',
  summary:
    'Trains in the foreground; prints the run folder first. Ctrl-C saves a checkpoint and stops. With --queue it waits until ' +
    'the runs that are live now have ended.',
  options: { set: { type: 'string', multiple: true }, run: { type: 'string' }, queue: { type: 'boolean' } },
  async run(context) {
    const { out, values, signal } = context;
    const file = path.resolve(oneArgument(context, 'a configuration file'));
    const overrides = listOption(values, 'set');
    const config = readConfig(file, overrides, (p) => out.note(`note: ${formatProblem(p)}`));
    const given = stringOption(values, 'run');
    if (given !== undefined) RunFolder.refuseUsed(path.resolve(given)); // before the long work
    const prepared = await withPlaces(file, overrides, () =>
      prepareRun(file, config, { signal, onProgress: progressOn(out) }),
    );
    try {
      const dir = given === undefined ? RunFolder.newPath(config.output, prepared.info.name) : path.resolve(given);
      const run = RunFolder.create(dir, prepared.info);
      out.clearProgress();
      out.record({ run: run.dir });
      out.folder(run.dir);
      const outcome = await executeRun(run, {
        isResumed: false,
        mode: values.queue === true ? 'queue' : 'beside',
        signal,
        prepare: () => Promise.resolve(prepared),
        onRefused: 'fail',
        listener: () => runListener(out, prepared),
        onEvent: eventListener(out),
      });
      return reportOutcome(out, run, outcome);
    } finally {
      prepared.close();
    }
  },
};
