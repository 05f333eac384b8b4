/** @file `runs show RUN`: how far a run is, and whether its method is really active, figure by figure. */
import { missingRecords } from '../../check/expectedRecords';
import { figureTexts, noteInWords, ruleInWords } from '../../protocol/activity';
import { formatProblem } from '../../protocol/errors';
import type { ActivityFigure, ActivityVerdict, RunEvent } from '../../protocol/types';
import { STATE_FILE } from '../../runs/runDescription';
import { effectiveStatus, RunFolder } from '../../runs/runFolder';
import type { Output } from './command';
import { table } from './command';
import { bestText, storedRankNote } from './resultTexts';

export const VERDICT_WORDS: Readonly<Record<ActivityVerdict, string>> = {
  green: 'green',
  red: 'RED',
  pending: 'not yet',
};

/** Writes what the folder says. Throws as `RunFolder.open` for a folder that is no run. */
export function showRun(dir: string, out: Output): void {
  const run = RunFolder.open(dir);
  const { info, state } = run;
  const status = effectiveStatus(state);
  const { step, total_steps: total, best = null, error } = state;
  const records = run.activity();
  const activity = records.at(-1) ?? null;
  const method = methodOf(info.config);
  const warnings = lastWarnings(run);
  // A process that was killed could not write why.
  const isGone = status !== state.status;
  const reason = isGone ? `its process is gone while ${STATE_FILE} says ${state.status}` : error;
  const isFree = status === 'failed' || status === 'stopped';
  const ended = reason === undefined ? {} : { error: reason };
  const problems = missingRecords(run.dir, info, state);
  for (const problem of problems) out.note(`warning: ${formatProblem(problem)}`);
  out.record({
    ...{
      run: run.dir,
      name: info.name,
      method,
      status,
      step,
      total_steps: total,
      best,
      ...ended,
      warnings,
      activity,
      problems,
    },
  });
  out.line(
    table([
      ['run', run.dir],
      ['method', method],
      ['status', `${status} at step ${step} of ${total}`],
      ...(best ? [['best evaluation loss', bestText(best)]] : []),
      ...(reason === undefined ? [] : [['error', reason]]),
      ...(isFree ? [['to go on', `adapter-studio resume ${run.dir} (${fromCheckpoint(run)})`]] : []),
    ]),
  );
  for (const { step: at, reason = '', action = '' } of warnings) out.line(`step ${at}: ${reason}. ${action}`);
  const note = storedRankNote(info.config);
  if (note !== undefined) out.line(note);
  out.line();
  if (!activity) {
    out.line('activity: nothing is recorded; the run has not begun, is older than this record, or lost it');
    return;
  }
  const before = records.filter(({ verdict }) => verdict === 'red').map((r) => r.step);
  const earlier = activity.verdict !== 'red' && before.length > 0 ? `; it was red at step ${before.join(', ')}` : '';
  out.line(`activity at step ${activity.step}: ${VERDICT_WORDS[activity.verdict]}${earlier}`);
  const why = noteInWords(activity);
  if (why !== undefined) out.line(why);
  out.line(table([['figure', 'value', 'verdict', 'rule', 'where'], ...activity.figures.map(row)]));
}

function fromCheckpoint(run: RunFolder): string {
  const last = run.checkpoints().at(-1);
  return last === undefined ? 'from the beginning, there is no checkpoint' : `from the checkpoint of step ${last}`;
}

/** The latest of each kind that the watchdog has seen since the run began. */
function lastWarnings(run: RunFolder): readonly RunEvent[] {
  const latest = new Map<string, RunEvent>();
  for (const event of run.events()) {
    const { event: kind, watch } = event;
    if (kind === 'warning' && watch) latest.set(watch, event);
  }
  return [...latest.values()];
}

function row(figure: ActivityFigure): readonly string[] {
  const { label, verdict, where = '' } = figure;
  return [label, valueOf(figure), VERDICT_WORDS[verdict], ruleInWords(figure), where];
}

const valueOf = (figure: ActivityFigure): string =>
  figureTexts(figure).value ?? (figure.verdict === 'red' ? 'no number' : '');

function methodOf(config: Readonly<Record<string, unknown>>): string {
  const { adapter } = config;
  const method = typeof adapter === 'object' && adapter !== null && 'method' in adapter ? adapter.method : undefined;
  return typeof method === 'string' ? method : 'unknown';
}
