/** @file The kernel as a child process: how it is started and how messages reach it. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { l10n } from 'vscode';
import { IPCMessageReader, IPCMessageWriter, type MessageReader, type MessageWriter } from 'vscode-jsonrpc/node';
import { KernelError } from '../../kernels/protocol/errors';

/** A started kernel, however it runs; tests give one that lives in the same process. */
export interface KernelProcess {
  readonly reader: MessageReader;
  readonly writer: MessageWriter;
  /** Resolves with the reason when the process is gone. */
  readonly exited: Promise<string>;
  kill(): void;
}

/**
 * Starts `<kernel.js> serve`. Standard output and error go to `onOutput` line by line; messages have a pipe of their own,
 * because native libraries print to the standard streams. `textsFile`: the bundle of the editor's language, where it is not English.
 */
export function launchKernel(kernelFile: string, onOutput: (line: string) => void, textsFile?: string): KernelProcess {
  if (!existsSync(kernelFile)) {
    throw new KernelError(
      'kernel/exited',
      l10n.t('The engine is missing: there is no {0}. Reinstall the extension.', kernelFile),
    );
  }
  const child = spawn(process.execPath, [kernelFile, 'serve'], {
    // In the desktop editor execPath is Electron; this makes it a plain Node. Elsewhere it has no effect.
    env: {
      ...process.env,
      ELECTRON_RUN_AS_NODE: '1',
      ...(textsFile === undefined ? {} : { ADAPTER_STUDIO_TEXTS: textsFile }),
    },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    serialization: 'advanced',
    windowsHide: true,
  });
  for (const stream of [child.stdout, child.stderr] as (Readable | null)[]) {
    if (stream) createInterface({ input: stream }).on('line', onOutput);
  }
  const exited = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) =>
      resolve(signal ? l10n.t('killed by {0}', signal) : l10n.t('exit status {0}', String(code))),
    );
  });
  return {
    reader: new IPCMessageReader(child),
    writer: new IPCMessageWriter(child),
    exited,
    kill: () => child.kill(),
  };
}
