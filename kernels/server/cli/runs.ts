/** @file `runs`: the runs in a folder, with status, step and loss; and `stop`, which asks a live one to save and stop. */
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { sendControl } from '../../runs/control';
import { effectiveStatus, RunFolder } from '../../runs/runFolder';
import type { Command } from './command';
import { oneArgument, table } from './command';

export const runsCommand: Command = {
  name: 'runs',
  usage: '[DIR]',
  summary: 'Lists the runs in a folder (default: runs).',
  options: {},
  run: ({ args, out }) => {
    const dir = path.resolve(args[0] ?? 'runs');
    const names = existsSync(dir) ? readdirSync(dir).filter((n) => existsSync(path.join(dir, n, 'run.json'))) : [];
    const runs = names.map((name) => {
      const run = RunFolder.open(path.join(dir, name));
      const { state, info } = run;
      return {
        run: run.dir,
        name: info.name,
        status: effectiveStatus(state),
        step: state.step,
        total_steps: state.total_steps,
        best: state.best ?? null,
      };
    });
    out.record({ runs });
    out.line(
      runs.length === 0
        ? `no runs in ${dir}`
        : table([
            ['run', 'status', 'step', 'best evaluation loss'],
            ...runs.map((r) => [
              path.basename(r.run),
              r.status,
              `${r.step}/${r.total_steps}`,
              r.best ? `${r.best.loss.toFixed(4)} at step ${r.best.step}` : '',
            ]),
          ]),
    );
    return Promise.resolve();
  },
};

export const stopCommand: Command = {
  name: 'stop',
  usage: 'RUN',
  summary: 'Asks a live run to save a checkpoint and stop; returns when it has.',
  options: {},
  async run(context) {
    const run = RunFolder.open(oneArgument(context, 'a run folder'));
    const { step } = await sendControl(run, 'stop');
    context.out.record({ run: run.dir, step });
    context.out.line(`stopped after step ${step}`);
  },
};
