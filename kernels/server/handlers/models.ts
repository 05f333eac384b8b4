/** @file Answers about checkpoints, adapters and devices. */
import { convert } from '../../merge/convert';
import { merge } from '../../merge/merge';
import { unmerge } from '../../merge/unmerge';
import { findModels } from '../../models/library';
import type { ModelCalls } from '../../protocol/calls/models';
import { probeDevices } from '../../runtime/devices';
import type { HandlersOf } from '../serve';

export const modelHandlers: HandlersOf<ModelCalls> = {
  'models/list': ({ folders }) => ({ models: findModels(folders) }),
  'devices/list': async () => ({ devices: await probeDevices() }),
  'adapter/merge': (p, { signal, progress }) => merge({ ...p, signal, onProgress: progress }),
  'adapter/convert': (p, { signal, progress }) => convert({ ...p, signal, onProgress: progress }),
  'adapter/unmerge': (p, { signal, progress }) => unmerge({ ...p, signal, onProgress: progress }),
};
