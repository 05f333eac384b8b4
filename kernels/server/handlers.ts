/** @file What the interactive kernel does for each call of the editor: one line to one function of the engine. */
import { adapterMethods } from '../adapters/registry';
import { buildConfigSchema } from '../config/schema';
import { merge } from '../merge/merge';
import { unmerge } from '../merge/unmerge';
import { findModels } from '../models/library';
import { PROTOCOL_VERSION } from '../protocol/kernelApi';
import { KernelError } from '../protocol/errors';
import { sendControl } from '../runs/control';
import { effectiveStatus, RunFolder } from '../runs/runFolder';
import { probeDevices } from '../runtime/devices';
import { ortRuntime } from '../runtime/ort';
import { prepareRun, readConfig } from '../trainer/prepare';
import { ENGINE_VERSION } from '../util/version';
import { checkConfig } from '../check/checkConfig';
import type { KernelHandlers } from './serve';
import { startDetached } from './startRun';

export const handlers: KernelHandlers = {
  hello: ({ version }) => {
    if (version !== PROTOCOL_VERSION) {
      const message = `the editor speaks protocol ${version}, the engine ${PROTOCOL_VERSION}; reload the window`;
      throw new KernelError('internal', message);
    }
    return { version: PROTOCOL_VERSION, engine: ENGINE_VERSION, runtime: ortRuntime.name };
  },
  'config/check': ({ path, text }) => checkConfig(path, text),
  'config/schema': () => ({ schema: buildConfigSchema(adapterMethods) }),
  'run/start': async ({ config: file }, { signal, progress }) => {
    const config = readConfig(file);
    // Prepared here so that the person hears at once what is wrong; the run itself finds the tokens in the cache.
    const prepared = await prepareRun(file, config, {
      signal,
      onProgress: (message, fraction) => progress({ message, ...(fraction !== undefined && { fraction }) }),
    });
    prepared.close();
    signal.throwIfAborted();
    const run = RunFolder.create(RunFolder.newPath(config.output, prepared.info.name), prepared.info);
    await startDetached(run, false);
    return { run: run.dir };
  },
  'run/resume': async ({ run: dir }) => {
    const run = RunFolder.open(dir);
    const status = effectiveStatus(run.state);
    if (status !== 'stopped' && status !== 'failed') {
      throw new KernelError('input/refused', `the run is ${status}; only a stopped or failed run can be resumed`);
    }
    await startDetached(run, true);
    return { run: run.dir };
  },
  'run/stop': ({ run }) => sendControl(RunFolder.open(run), 'stop'),
  'models/list': ({ folders }) => ({ models: findModels(folders) }),
  'devices/list': async () => ({ devices: await probeDevices() }),
  'adapter/merge': (p, { signal, progress }) => merge({ ...p, signal, onProgress: progress }),
  'adapter/unmerge': (p, { signal, progress }) => unmerge({ ...p, signal, onProgress: progress }),
};
