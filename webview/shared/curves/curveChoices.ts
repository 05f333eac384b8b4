/** @file What a person may choose for curves, on every page that shows those of runs, with the words for it. */
import * as l10n from '@vscode/l10n';
import type { Signal } from '@preact/signals-core';
import type { RankMeasure, XAxis } from '../../protocol/dashboard';
import type { Axis } from '../plot/lineFigure';

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

/** What holds for all curves of a page. */
export const CURVE_DEFAULTS = {
  xAxis: 'step' as XAxis,
  isLogY: false,
  smoothing: 0.6,
  measure: 'stable_rank' as RankMeasure,
};

export type CurveChoices = { readonly [K in keyof typeof CURVE_DEFAULTS]: Signal<(typeof CURVE_DEFAULTS)[K]> };

/** Puts right what another version of a page may have kept. */
export function checkCurveChoices({ xAxis, measure, smoothing }: CurveChoices): void {
  if (!Object.hasOwn(X_AXES, xAxis.value)) xAxis.value = CURVE_DEFAULTS.xAxis;
  if (!Object.hasOwn(RANK_MEASURES, measure.value)) measure.value = CURVE_DEFAULTS.measure;
  smoothing.value = Math.min(MAX_SMOOTHING, Math.max(0, smoothing.value));
}
