/** @file A run in words: the same in the tree, the status bar, the CodeLens and the pickers. */
import { l10n } from 'vscode';
import type { ActivityFigure, RunStatus } from '../../kernels/protocol/types';
import { isLive } from '../runs/liveness';
import type { RunSummary } from '../runs/runSummary';
import { formatDuration, formatNumber } from '../util/format';

export function statusLabel(status: RunStatus): string {
  const labels: Record<RunStatus, string> = {
    queued: l10n.t('queued'),
    starting: l10n.t('starting'),
    running: l10n.t('running'),
    stopping: l10n.t('stopping'),
    stopped: l10n.t('stopped'),
    finished: l10n.t('finished'),
    failed: l10n.t('failed'),
  };
  return labels[status];
}

/** What a run that starts is preparing, `Reading the base weights 40 %`; empty where it does not say. */
export function doingLabel({ state: { status, doing } }: Pick<RunSummary, 'state'>): string {
  if (status !== 'starting' || !doing) return '';
  // eslint-disable-next-line local/literal-texts -- the engine's own texts, where the extraction finds them
  const what = l10n.t(doing.what);
  return doing.fraction === undefined ? what : l10n.t('{0} {1} %', what, Math.floor(100 * doing.fraction));
}

/** `120/300`. */
export function stepLabel({ state }: RunSummary): string {
  return `${state.step}/${state.total_steps}`;
}

/**
 * Short, because a side bar is narrow: `120/300 · 3 min left · loss 1.234` for a run at work, whose icon turns,
 * `stopped · 60/300 · loss 1.9` for one that rests.
 */
export function runDescription(run: RunSummary): string {
  const { status } = run.state;
  const parts: string[] = [];
  if (status !== 'running') parts.push(statusLabel(status));
  parts.push(...[doingLabel(run)].filter((label) => label !== ''));
  if (status !== 'starting' && status !== 'finished' && status !== 'queued') parts.push(stepLabel(run));
  if (run.etaSeconds !== null && status !== 'queued') parts.push(l10n.t('{0} left', formatDuration(run.etaSeconds)));
  parts.push(...inactiveLabel(run), ...noGainLabel(run));
  if (run.loss !== null) parts.push(l10n.t('loss {0}', formatNumber(run.loss)));
  if (!isLive(run.state)) parts.push(createdLabel(run));
  return parts.join(' · ');
}

/**
 * The same in the Runs view, where the group says the status: `loss 1.234 · 3 min left · 120/300`,
 * `loss 1.9 · 60/300 · 5/1/26`. What is looked for comes first, because a side bar cuts the end off.
 * `place` is that of a queued run, from 1.
 */
export function rowDescription(run: RunSummary, place: number | undefined): string {
  const { status } = run.state;
  const figures = [
    ...inactiveLabel(run),
    ...noGainLabel(run),
    ...(run.loss === null ? [] : [l10n.t('loss {0}', formatNumber(run.loss))]),
  ];
  if (status === 'queued') return place === undefined ? '' : l10n.t('place {0} in the queue', place);
  if (!isLive(run.state))
    return [...figures, ...(status === 'finished' ? [] : [stepLabel(run)]), createdLabel(run)].join(' · ');
  const eta = run.etaSeconds === null ? [] : [l10n.t('{0} left', formatDuration(run.etaSeconds))];
  const doing = doingLabel(run);
  if (doing !== '') return [statusLabel(status), doing].join(' · ');
  return [...(status === 'running' ? [] : [statusLabel(status)]), ...figures, ...eta, stepLabel(run)].join(' · ');
}

/** For assistive technology, which does not see the icon. */
export function runAccessibleLabel(run: RunSummary): string {
  const red = run.redFigures.map(figureLabel).join('; ');
  const warning = red === '' ? '' : `, ${l10n.t('rules that are not met: {0}', red)}`;
  return `${run.info.name}, ${statusLabel(run.state.status)}, ${runDescription(run)}${warning}`;
}

/** One word where the latest activity is red, none otherwise. */
function inactiveLabel({ redFigures }: RunSummary): readonly string[] {
  return redFigures.length === 0
    ? []
    : [l10n.t({ message: 'not active', comment: ['the method of a run does not do what it says'] })];
}

/** Whether a run has ended without an evaluation that was better than the one before training. */
export const hasNoGain = ({ state: { status, best } }: Pick<RunSummary, 'state'>): boolean =>
  status === 'finished' && best?.step === 0;

const noGainLabel = (run: RunSummary): readonly string[] =>
  hasNoGain(run) ? [l10n.t({ message: 'no gain', comment: ['no evaluation was better than before training'] })] : [];

/** The name of a figure of activity. `npm run l10n` finds these texts where the figures are declared, in the engine. */
export function figureLabel({ label }: ActivityFigure): string {
  // eslint-disable-next-line local/literal-texts -- the text is declared with the figure, where the extraction finds it
  return l10n.t(label);
}

/** When the run was made, short; runs of one configuration differ by this. */
export function createdLabel(run: RunSummary): string {
  return new Date(run.info.created * 1000).toLocaleString(undefined, { dateStyle: 'short', timeStyle: 'short' });
}
