/** @file A run in words: the same in the tree, the status bar, the CodeLens and the pickers. */
import { l10n } from 'vscode';
import type { RunStatus } from '../../kernels/protocol/types';
import type { RunSummary } from '../runs/runSummary';
import { formatDuration, formatNumber } from '../util/format';

export function statusLabel(status: RunStatus): string {
  const labels: Record<RunStatus, string> = {
    starting: l10n.t('starting'),
    running: l10n.t('running'),
    stopping: l10n.t('stopping'),
    stopped: l10n.t('stopped'),
    finished: l10n.t('finished'),
    failed: l10n.t('failed'),
  };
  return labels[status];
}

/** `120/300`. */
export function stepLabel({ state }: RunSummary): string {
  return `${state.step}/${state.total_steps}`;
}

/** `running · 120/300 · loss 1.234 · 3 min left`: what is known, in this order. */
export function runDescription(run: RunSummary): string {
  const parts = [statusLabel(run.state.status)];
  if (run.state.status !== 'starting') parts.push(l10n.t('step {0}', stepLabel(run)));
  if (run.loss !== null) parts.push(l10n.t('loss {0}', formatNumber(run.loss)));
  if (run.etaSeconds !== null) parts.push(l10n.t('{0} left', formatDuration(run.etaSeconds)));
  return parts.join(' · ');
}

/** When the run was made, short; runs of one configuration differ by this. */
export function createdLabel(run: RunSummary): string {
  return new Date(run.info.created * 1000).toLocaleString(undefined, { dateStyle: 'short', timeStyle: 'medium' });
}
