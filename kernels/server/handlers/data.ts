/** @file Answers about the data files of a configuration. */
import { adapterMethods } from '../../adapters/registry';
import { dataReport } from '../../check/dataReport';
import { loadConfig } from '../../config/loadConfig';
import type { DataCalls } from '../../protocol/calls/data';
import type { HandlersOf } from '../serve';

export const dataHandlers: HandlersOf<DataCalls> = {
  'data/check': async ({ config: file, text }, { signal, progress }) => {
    const { config } = loadConfig(file, { methods: adapterMethods, ...(text !== undefined && { text }) });
    if (!config) return { files: [], problems: [] };
    return dataReport(config, { signal, onProgress: (message) => progress({ message }) });
  },
};
