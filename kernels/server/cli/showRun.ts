/** @file `runs show RUN`: how far a run is, and whether its method is really active, figure by figure. */
import { fillRule } from '../../protocol/activity';
import type { ActivityFigure, ActivityVerdict } from '../../protocol/types';
import { effectiveStatus, RunFolder } from '../../runs/runFolder';
import type { Output } from './command';
import { table } from './command';

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
  const ended = error === undefined ? {} : { error };
  out.record({ run: run.dir, name: info.name, method, status, step, total_steps: total, best, ...ended, activity });
  out.line(
    table([
      ['run', run.dir],
      ['method', method],
      ['status', `${status} at step ${step} of ${total}`],
      ...(best ? [['best evaluation loss', `${best.loss.toFixed(4)} at step ${best.step}`]] : []),
      ...(error === undefined ? [] : [['error', error]]),
    ]),
  );
  out.line();
  if (!activity) {
    out.line('activity: nothing was recorded; the run is older than this record, or has not begun');
    return;
  }
  const before = records.filter(({ verdict }) => verdict === 'red').map((r) => r.step);
  const earlier = activity.verdict !== 'red' && before.length > 0 ? `; it was red at step ${before.join(', ')}` : '';
  out.line(`activity at step ${activity.step}: ${VERDICT_WORDS[activity.verdict]}${earlier}`);
  out.line(table([['figure', 'value', 'verdict', 'rule', 'where'], ...activity.figures.map(row)]));
}

function row(figure: ActivityFigure): readonly string[] {
  const { label, verdict, rule, rule_values: values, where = '' } = figure;
  return [label, valueOf(figure), VERDICT_WORDS[verdict], fillRule(rule, values), where];
}

function valueOf({ value, unit, verdict }: ActivityFigure): string {
  if (value === null) return verdict === 'red' ? 'no number' : '';
  if (unit === 'share') return `${Number((100 * value).toPrecision(4))} %`;
  return unit === 'count' ? String(value) : String(Number(value.toPrecision(4)));
}

function methodOf(config: Readonly<Record<string, unknown>>): string {
  const { adapter } = config;
  const method = typeof adapter === 'object' && adapter !== null && 'method' in adapter ? adapter.method : undefined;
  return typeof method === 'string' ? method : 'unknown';
}
