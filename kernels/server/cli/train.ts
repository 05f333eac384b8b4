/** @file `train`: makes a run folder and trains in this process, in the foreground. */
import path from 'node:path';
import { prepareRun, readConfig } from '../../trainer/prepare';
import { RunFolder } from '../../runs/runFolder';
import { executeRun } from '../executeRun';
import type { Command } from './command';
import { EXIT, listOption, oneArgument, stringOption } from './command';
import { runListener } from './runListener';

export const trainCommand: Command = {
  name: 'train',
  usage: 'FILE.adapter.yaml [--set training.max_steps=10]… [--run DIR]',
  summary: 'Trains in the foreground; prints the run folder first. Ctrl-C saves a checkpoint and stops.',
  options: { set: { type: 'string', multiple: true }, run: { type: 'string' } },
  async run(context) {
    const { out, values, signal } = context;
    const file = oneArgument(context, 'a configuration file');
    const config = readConfig(file, listOption(values, 'set'));
    const prepared = await prepareRun(file, config, { signal, onProgress: (message) => out.progress(message) });
    const given = stringOption(values, 'run');
    const dir = given === undefined ? RunFolder.newPath(config.output, prepared.info.name) : path.resolve(given);
    const run = RunFolder.create(dir, prepared.info);
    out.clearProgress();
    out.record({ run: run.dir });
    out.line(run.dir);
    const outcome = await executeRun(run, prepared, { isResumed: false, signal, listener: runListener(out, prepared) });
    out.clearProgress();
    out.record({ ...outcome, run: run.dir, adapter: run.file('adapter') });
    out.line(
      outcome.status === 'finished'
        ? `finished after ${outcome.step} steps; the adapter is in ${run.file('adapter')}`
        : `stopped after step ${outcome.step}; go on with: adapter-studio resume ${run.dir}`,
    );
    return outcome.status === 'stopped' ? EXIT.interrupted : EXIT.done;
  },
};
