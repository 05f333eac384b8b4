/** @file What the dashboard may send. */
import type { ParamGuards } from '../../kernels/protocol/channel';
import type { DashboardPage } from '../../webview/protocol/dashboard';
import { fields, isFinite, isOneOf, isRange, isText, optional } from '../pages/guards';

export const dashboardGuards: ParamGuards<DashboardPage> = {
  'page/open': fields({}),
  'series/get': fields({
    x: isOneOf('step', 'tokens', 'time', 'epoch'),
    range: optional(isRange),
    buckets: (value) => Number.isInteger(value) && (value as number) > 0 && (value as number) <= 20_000,
    smoothing: (value) => isFinite(value) && (value as number) >= 0 && (value as number) < 1,
  }),
  'rank/table': fields({}),
  'rank/spectrum': fields({ module: isText }),
  'run/command': fields({ command: isOneOf('stop', 'resume', 'merge', 'openFolder', 'openLog') }),
  'save/csv': fields({ what: isOneOf('metrics', 'spectra') }),
  'save/png': fields({ name: isText, dataUrl: isText }),
};
