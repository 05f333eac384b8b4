/** @file What the dashboard may send. */
import type { ParamGuards } from '../../kernels/protocol/channel';
import { RUN_COMMANDS, type DashboardPage } from '../../webview/protocol/dashboard';
import { fields, isFinite, isOneOf, isRange, isText, optional } from '../pages/guards';

export const dashboardGuards: ParamGuards<DashboardPage> = {
  'page/open': fields({}),
  'series/get': fields({
    x: isOneOf('step', 'tokens', 'time', 'epoch'),
    range: optional(isRange),
    buckets: (value) => Number.isInteger(value) && (value as number) > 0 && (value as number) <= 20_000,
    smoothing: (value) => isFinite(value) && (value as number) >= 0 && (value as number) < 1,
  }),
  'rank/tables': fields({}),
  'rank/spectrum': fields({ module: isText, of: isOneOf('delta', 'direction') }),
  'activity/get': fields({}),
  'samples/list': fields({}),
  'samples/at': fields({ steps: (value) => Array.isArray(value) && value.length <= 2 && value.every(isFinite) }),
  'run/command': fields({ command: isOneOf(...RUN_COMMANDS) }),
  'save/csv': fields({ what: isOneOf('metrics', 'spectra') }),
  'save/png': fields({ name: isText, dataUrl: isText }),
};
