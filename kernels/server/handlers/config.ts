/** @file Answers about a configuration that is being written. */
import { adapterMethods } from '../../adapters/registry';
import { checkConfig } from '../../check/checkConfig';
import { localizeSchema } from '../../config/localizeSchema';
import { buildConfigSchema } from '../../config/schema';
import { adviseConfig } from '../../language/advise';
import { complete } from '../../language/complete';
import { hints } from '../../language/hints';
import { hover } from '../../language/hover';
import type { ConfigCalls } from '../../protocol/calls/config';
import type { HandlersOf } from '../serve';

export const configHandlers: HandlersOf<ConfigCalls> = {
  'config/check': ({ path, text }) => checkConfig(path, text),
  'config/schema': () => ({ schema: localizeSchema(buildConfigSchema(adapterMethods)) }),
  'config/complete': (request) => complete(request),
  'config/hover': (request) => {
    const found = hover(request);
    return found ? { hover: found } : {};
  },
  'config/hints': (request) => ({ hints: hints(request) }),
  'config/advise': ({ model, data }, { signal }) => adviseConfig(model, data, signal),
};
