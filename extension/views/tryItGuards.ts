/** @file What the page that tries models may send. */
import type { ParamGuards } from '../../kernels/protocol/channel';
import type { TryItPage } from '../../webview/protocol/tryIt';
import { fields, isFinite, isOneOf, isText, optional, type Check } from '../pages/guards';

const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const isBetween =
  (low: number, high: number): Check =>
  (value) =>
    isFinite(value) && (value as number) > low && (value as number) <= high;

const isPrompt: Check = (prompt) =>
  fields({ kind: isOneOf('text'), text: isText })(prompt) ||
  fields({ kind: isOneOf('chat'), user: isText, system: optional(isText) })(prompt);

const isSettings = fields({
  maxNewTokens: (value) => isCount(value) && (value as number) > 0,
  sampling: optional(fields({ temperature: isBetween(0, Infinity), topP: isBetween(0, 1), seed: isCount })),
});

export const tryItGuards: ParamGuards<TryItPage> = {
  'page/open': fields({}),
  'tryIt/baseOf': fields({ adapter: isText }),
  'tryIt/about': fields({ base: isText }),
  'tryIt/write': fields({ base: isText, adapter: optional(isText), prompt: isPrompt, settings: isSettings }),
  'tryIt/browse': fields({ what: isOneOf('base', 'adapter', 'merged') }),
  'tryIt/copy': fields({ text: isText }),
};
