/** @file What the configuration form may send. */
import type { ParamGuards } from '../../kernels/protocol/channel';
import type { ConfigFormPage } from '../../webview/protocol/configForm';
import { fields, isOneOf, isPath, isPlain, isText, optional } from '../pages/guards';

export const configFormGuards: ParamGuards<ConfigFormPage> = {
  'page/open': fields({}),
  'form/set': fields({ uri: isText, path: isPath, value: optional(isPlain) }),
  'form/undo': fields({ uri: isText }),
  'form/select': fields({ uri: isText }),
  'form/browse': fields({ uri: isText, path: isPath, kind: isOneOf('file', 'folder') }),
  'form/command': fields({ command: isOneOf('train', 'openText', 'new') }),
};
