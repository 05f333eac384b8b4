/** @file What the estimate's page may send. */
import type { ParamGuards } from '../../kernels/protocol/channel';
import { ESTIMATE_COMMANDS, type EstimatePage } from '../../webview/protocol/estimate';
import { fields, isCount, isOneOf, isText, optional } from '../pages/guards';

export const estimatePanelGuards: ParamGuards<EstimatePage> = {
  'page/open': fields({}),
  'estimate/command': fields({ command: isOneOf(...ESTIMATE_COMMANDS) }),
  'estimate/openFile': fields({ file: isText, line: optional(isCount) }),
};
