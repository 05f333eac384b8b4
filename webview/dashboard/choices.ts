/** @file What a person may choose on the dashboard, with the words for it. Kept while the page is hidden. */
import * as l10n from '@vscode/l10n';
import type { RankMeasure, XAxis } from '../protocol/dashboard';
import type { VsCodeApi } from '../shared/host';
import type { Axis } from '../shared/plot/lineFigure';
import { keptChoices } from '../shared/uiState';

export const X_AXES: Readonly<Record<XAxis, Axis & { readonly choice: string }>> = {
  step: { choice: l10n.t('Step'), label: l10n.t('step'), kind: 'count' },
  tokens: { choice: l10n.t('Tokens'), label: l10n.t('tokens'), kind: 'short' },
  time: { choice: l10n.t('Time'), label: l10n.t('time'), kind: 'duration' },
  epoch: { choice: l10n.t('Epoch'), label: l10n.t('epoch'), kind: 'number' },
};

export const RANK_MEASURES: Readonly<Record<RankMeasure, { readonly choice: string; readonly help: string }>> = {
  stable_rank: {
    choice: l10n.t('Stable rank'),
    help: l10n.t(
      'Sum of the squared singular values divided by the largest squared: near 1 when one direction carries all.',
    ),
  },
  effective_rank: {
    choice: l10n.t('Effective rank'),
    help: l10n.t('Exponential of the entropy of the normalised singular values: how many directions carry the update.'),
  },
  'above_0.1': { choice: l10n.t('Singular values > 0.1'), help: l10n.t('The number of singular values above 0.1.') },
  above_relative: {
    choice: l10n.t('Singular values > 1 % of largest'),
    help: l10n.t('The number of singular values above 1 % of the largest.'),
  },
};

/** Largest smoothing that the slider offers. */
export const MAX_SMOOTHING = 0.99;

const DEFAULTS = {
  xAxis: 'step' as XAxis,
  isLogY: false,
  smoothing: 0.6,
  measure: 'stable_rank' as RankMeasure,
  /** Name of the module whose singular values are shown. */
  module: null as string | null,
  /** Projection whose single modules are drawn beside the means. */
  detail: null as string | null,
  isLogSigma: false,
  areEventsOpen: false,
  /** No choice, but kept like one: the run's folder, from which the editor restores the panel after a reload. */
  run: null as string | null,
};

export function dashboardChoices(api: Pick<VsCodeApi, 'getState' | 'setState'>) {
  const choices = keptChoices(api, DEFAULTS);
  // Kept by another version of this page, perhaps.
  if (!Object.hasOwn(X_AXES, choices.xAxis.value)) choices.xAxis.value = DEFAULTS.xAxis;
  if (!Object.hasOwn(RANK_MEASURES, choices.measure.value)) choices.measure.value = DEFAULTS.measure;
  choices.smoothing.value = Math.min(MAX_SMOOTHING, Math.max(0, choices.smoothing.value));
  return choices;
}
