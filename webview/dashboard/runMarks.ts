/** @file Where something happened to a run as a whole, marked on its plots: resumes, restarts of the adapter, what the watchdog saw. */
import * as l10n from '@vscode/l10n';
import type { RunEvent, RunInfo } from '../../kernels/protocol/types';
import type { XAxis } from '../protocol/dashboard';
import { formatClock, formatCount } from '../shared/format';
import type { Mark } from '../shared/plot/lineFigure';
import { WATCH_LABELS } from './watchLabels';

export interface MarkedRun {
  /** Events that are marked. */
  readonly marks: readonly RunEvent[];
  readonly info: RunInfo | null;
}

/** Where the run was resumed, and where its adapter was merged and begun anew. */
export function runMarks(x: XAxis, run: MarkedRun): Mark[] {
  return placed(x, run, ({ event, time, step, reason, cycle }) => {
    if (event === 'restart') {
      const label = l10n.t('Adapter merged and begun anew after step {0}', formatCount(step));
      const short =
        cycle === undefined
          ? l10n.t({ message: 'restart', comment: 'of the adapter: merged and begun anew' })
          : l10n.t('cycle {0}', cycle);
      return { short, label: reason === undefined ? label : `${label}: ${reason}` };
    }
    const when = formatClock(time, new Date(time * 1000));
    return event === 'resumed' ? { label: l10n.t('Resumed at step {0}, {1}', step, when) } : undefined;
  });
}

/** Where the watchdog saw something. */
export function watchMarks(x: XAxis, run: MarkedRun): Mark[] {
  return placed(x, run, ({ watch, step, reason }) => {
    if (!watch) return undefined;
    const label = l10n.t('{0} at step {1}', WATCH_LABELS[watch] ?? watch, step);
    return { label: reason === undefined ? label : `${label}: ${reason}`, isAlarm: true };
  });
}

/** Events know their step and time, not how many tokens had been read. */
function placed(
  x: XAxis,
  { marks, info }: MarkedRun,
  describe: (event: RunEvent) => Omit<Mark, 'x'> | undefined,
): Mark[] {
  const place = (event: RunEvent): number | undefined => {
    switch (x) {
      case 'step':
        return event.step;
      case 'time':
        return info ? event.time - info.created : undefined;
      case 'epoch':
        return info && info.steps_per_epoch > 0 ? event.step / info.steps_per_epoch : undefined;
      case 'tokens':
        return undefined;
    }
  };
  return marks.flatMap((event) => {
    const at = place(event);
    const mark = describe(event);
    return at === undefined || !mark ? [] : [{ x: at, ...mark }];
  });
}
