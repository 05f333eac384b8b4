/** @file `runs`: the runs in a folder, with status, step, loss and activity, or all of one; and `stop`, which asks a live one to save and stop. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import type { Problem } from '../../protocol/errors';
import { formatProblem, KernelError } from '../../protocol/errors';
import type { ActivityVerdict, RunState, RunStatus } from '../../protocol/types';
import { sendControl } from '../../runs/control';
import { effectiveStatus, isLive, RunFolder } from '../../runs/runFolder';
import type { Command } from './command';
import { oneArgument, table } from './command';
import { bestText } from './resultTexts';
import { showRun, VERDICT_WORDS } from './showRun';

export const runsCommand: Command = {
  name: 'runs',
  usage: '[DIR] | show RUN',
  summary:
    'Lists the runs in a folder (default: runs; write ./show for a folder of that name); show RUN tells whether the method of a run is really active: each figure with its rule and verdict.',
  options: {},
  run: (context) => {
    const { args, out } = context;
    if (args[0] === 'show') {
      showRun(oneArgument({ ...context, args: args.slice(1) }, 'a run folder'), out);
      return Promise.resolve();
    }
    const dir = path.resolve(args.length === 0 ? 'runs' : oneArgument(context, 'the folder that holds the runs'));
    const { runs, problems } = listRuns(dir, args.length > 0);
    for (const problem of problems) out.note(formatProblem(problem));
    out.record({ runs, problems });
    out.line(
      runs.length === 0
        ? `no runs in ${dir}`
        : table([
            ['run', 'status', 'step', 'best evaluation loss', 'activity'],
            ...runs.map((r) => [
              path.basename(r.run),
              r.status,
              `${r.step}/${r.total_steps}`,
              r.best ? bestText(r.best) : '',
              r.activity ? VERDICT_WORDS[r.activity] : '',
            ]),
          ]),
    );
    return Promise.resolve();
  },
};

interface ListedRun {
  readonly run: string;
  readonly name: string;
  readonly status: RunStatus;
  readonly step: number;
  readonly total_steps: number;
  readonly best: RunState['best'] | null;
  /** The latest verdict; null where none was recorded. */
  readonly activity: ActivityVerdict | null;
}

/** A folder that cannot be read is a problem and keeps no other run from being listed. */
function listRuns(dir: string, isGiven: boolean): { runs: readonly ListedRun[]; problems: readonly Problem[] } {
  if (!statSync(dir, { throwIfNoEntry: false })?.isDirectory()) {
    if (!isGiven) return { runs: [], problems: [] };
    const expected = 'expected the folder that holds the runs';
    throw KernelError.refused([{ file: dir, severity: 'error', found: 'there is no such folder', expected }]);
  }
  const names = readdirSync(dir).filter((name) => existsSync(path.join(dir, name, 'run.json')));
  const runs: ListedRun[] = [];
  const problems: Problem[] = [];
  for (const file of names.map((name) => path.join(dir, name))) {
    try {
      const run = RunFolder.open(file);
      const { state, info } = run;
      const { step, total_steps, best = null } = state;
      const activity = run.activity().at(-1)?.verdict ?? null;
      runs.push({ run: run.dir, name: info.name, status: effectiveStatus(state), step, total_steps, best, activity });
    } catch (error) {
      if (!KernelError.is(error)) throw error;
      const whole: Problem = { file, severity: 'error', found: error.message, expected: 'expected a run folder' };
      problems.push(...(error.problems.length > 0 ? error.problems : [whole]));
    }
  }
  return { runs, problems };
}

export const stopCommand: Command = {
  name: 'stop',
  usage: 'RUN',
  summary: 'Asks a live run to save a checkpoint and stop; returns when it has.',
  options: {},
  async run(context) {
    const run = RunFolder.open(oneArgument(context, 'a run folder'));
    const status = effectiveStatus(run.state);
    if (!isLive(status)) {
      const expected = 'expected a run that is running';
      throw KernelError.refused([{ file: run.dir, severity: 'error', found: `is ${status}`, expected }]);
    }
    const { step } = await sendControl(run, 'stop');
    context.out.record({ run: run.dir, step });
    context.out.line(`stopped after step ${step}`);
  },
};
