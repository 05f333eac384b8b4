/** @file What the inspector may send. */
import type { ParamGuards } from '../../kernels/protocol/channel';
import type { InspectorPage } from '../../webview/protocol/inspector';
import { fields, isOneOf, isText, type Check } from '../pages/guards';

const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const isPart: Check = (value) => Array.isArray(value) && value.length === 2 && value.every(isCount);
const isMatrix: Check = (value) => fields({ tensor: isText })(value) || fields({ delta: isText })(value);

export const inspectorGuards: ParamGuards<InspectorPage> = {
  'page/open': fields({}),
  'inspector/reload': fields({}),
  'inspector/modules': fields({}),
  'inspector/module': fields({ module: isText }),
  'inspector/tile': fields({
    of: isMatrix,
    rows: isPart,
    cols: isPart,
    height: isCount,
    width: isCount,
    pool: isOneOf('mean', 'max', 'min', 'extreme'),
  }),
  'inspector/statistics': fields({ tensor: isText, bins: isCount }),
  'inspector/command': fields({ command: isOneOf('merge', 'convert', 'tryIt', 'check', 'showConfig', 'showLog') }),
  'save/png': fields({ name: isText, dataUrl: isText }),
};
