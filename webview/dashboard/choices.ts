/** @file What a person may choose on the dashboard. Kept while the page is hidden. */
import { CURVE_DEFAULTS, checkCurveChoices } from '../shared/curves/curveChoices';
import type { RankOf } from '../protocol/dashboard';
import type { VsCodeApi } from '../shared/host';
import { keptChoices } from '../shared/uiState';

const DEFAULTS = {
  ...CURVE_DEFAULTS,
  /** Name of the module whose singular values are shown. */
  module: null as string | null,
  /** Which matrix the rank plots are of; null: the one that the run has most of. */
  rankOf: null as RankOf | null,
  /** Projection whose single modules are drawn beside the means. */
  detail: null as string | null,
  isLogSigma: false,
  /** Id of the figure of activity whose curve is shown. */
  figure: null as string | null,
  areEventsOpen: false,
  /** With which step the samples of the shown one are compared. */
  sampleBase: 'previous',
  /** No choice, but kept like one: the run's folder, from which the editor restores the panel after a reload. */
  run: null as string | null,
};

export function dashboardChoices(api: Pick<VsCodeApi, 'getState' | 'setState'>) {
  const choices = keptChoices(api, DEFAULTS);
  checkCurveChoices(choices);
  return choices;
}
