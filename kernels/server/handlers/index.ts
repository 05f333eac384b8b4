/** @file What the interactive kernel does for each call of the editor: one line to one function of the engine, by subject. */
import { PROTOCOL_VERSION } from '../../protocol/kernelApi';
import { KernelError } from '../../protocol/errors';
import { ortRuntime } from '../../runtime/ort';
import { ENGINE_VERSION } from '../../util/version';
import type { KernelHandlers } from '../serve';
import { configHandlers } from './config';
import { dataHandlers } from './data';
import { estimateHandlers } from './estimate';
import { generateHandlers } from './generate';
import { inspectHandlers } from './inspect';
import { modelHandlers } from './models';
import { runHandlers } from './runs';
import { tokensHandlers } from './tokens';

export const handlers: KernelHandlers = {
  hello: ({ version }) => {
    if (version !== PROTOCOL_VERSION) {
      const message = `the editor speaks protocol ${version}, the engine ${PROTOCOL_VERSION}; reload the window`;
      throw new KernelError('internal', message);
    }
    return { version: PROTOCOL_VERSION, engine: ENGINE_VERSION, runtime: ortRuntime.name };
  },
  ...configHandlers,
  ...estimateHandlers,
  ...dataHandlers,
  ...runHandlers,
  ...inspectHandlers,
  ...modelHandlers,
  ...tokensHandlers,
  ...generateHandlers,
};
