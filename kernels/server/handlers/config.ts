/** @file Answers about a configuration that is being written. */
import { adapterMethods } from '../../adapters/registry';
import { checkConfig } from '../../check/checkConfig';
import { localizeSchema } from '../../config/localizeSchema';
import { buildConfigSchema } from '../../config/schema';
import type { ConfigCalls } from '../../protocol/calls/config';
import type { HandlersOf } from '../serve';

export const configHandlers: HandlersOf<ConfigCalls> = {
  'config/check': ({ path, text }) => checkConfig(path, text),
  'config/schema': () => ({ schema: localizeSchema(buildConfigSchema(adapterMethods)) }),
};
