/** @file What the comparison of runs may send. */
import type { ParamGuards } from '../../kernels/protocol/channel';
import type { ComparePage } from '../../webview/protocol/compare';
import { fields, isOneOf, isText } from '../pages/guards';
import { dashboardGuards } from './dashboardGuards';

export const comparisonGuards: ParamGuards<ComparePage> = {
  'page/open': fields({}),
  'series/get': dashboardGuards['series/get'],
  'rank/means': fields({ measure: isOneOf('stable_rank', 'effective_rank', 'above_0.1', 'above_relative') }),
  'run/open': fields({ folder: isText }),
  'save/png': dashboardGuards['save/png'],
};
