/** @file What the pages may send, checked at the door: a message from a page is input from a browser. */
import type { ParamGuards } from '../../kernels/protocol/channel';
import type { ConfigFormPage, KeyPath } from '../../webview/protocol/configForm';
import type { DashboardPage } from '../../webview/protocol/dashboard';

type Check = (value: unknown) => boolean;

const isText: Check = (value) => typeof value === 'string';
const isFinite: Check = (value) => Number.isFinite(value);
const isOneOf =
  (...allowed: readonly string[]): Check =>
  (value) =>
    allowed.includes(value as string);
const isPath: Check = (value): value is KeyPath =>
  Array.isArray(value) && value.length > 0 && value.every((key) => isText(key) || Number.isInteger(key));
const isRange: Check = (value) => Array.isArray(value) && value.length === 2 && value.every(isFinite);
const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);

/** The params have these fields with these values; further fields are ignored. */
function fields<P>(checks: Readonly<Record<string, Check>>) {
  return (params: unknown): params is P =>
    typeof params === 'object' &&
    params !== null &&
    Object.entries(checks).every(([name, check]) => check((params as Record<string, unknown>)[name]));
}

/** Anything that JSON and YAML can hold; the schema says what is allowed where. */
const isPlain: Check = (value) => value === null || ['string', 'number', 'boolean', 'object'].includes(typeof value);

export const configFormGuards: ParamGuards<ConfigFormPage> = {
  'page/open': fields({}),
  'form/set': fields({ uri: isText, path: isPath, value: optional(isPlain) }),
  'form/select': fields({ uri: isText }),
  'form/browse': fields({ uri: isText, path: isPath, kind: isOneOf('file', 'folder') }),
  'form/command': fields({ command: isOneOf('train', 'openText', 'new') }),
};

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
