/** @file What the page of tokens may send. */
import type { ParamGuards } from '../../kernels/protocol/channel';
import type { TokensPage } from '../../webview/protocol/tokens';
import { fields, isCount, isOneOf, isText, optional, type Check } from '../pages/guards';

const isFlag: Check = (value) => typeof value === 'boolean';
const isSet = isOneOf('train', 'eval');

const isGoal: Check = (goal) =>
  fields({ to: isOneOf('random', 'longest') })(goal) ||
  fields({ to: isOneOf('number'), number: isCount })(goal) ||
  fields({
    to: isOneOf('next', 'previous'),
    from: isCount,
    query: optional(isText),
    withWarning: optional(isFlag),
  })(goal);

export const tokensGuards: ParamGuards<TokensPage> = {
  'page/open': fields({}),
  'tokens/show': fields({ set: isSet, goal: isGoal }),
  'tokens/lengths': fields({ set: isSet }),
  'sample/open': fields({ file: isText, line: isCount }),
  'save/png': fields({ name: isText, dataUrl: isText }),
};
