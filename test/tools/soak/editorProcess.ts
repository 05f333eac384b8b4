/**
 * @file A process that does what the extension host does, with the extension's own code: keeps a kernel, starts a run,
 * follows its folder, and writes settings and configurations. It says what it has done, a line each, until it is killed.
 */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { createMessageConnection, IPCMessageReader, IPCMessageWriter } from 'vscode-jsonrpc/node';
import { RunFollower } from '../../../extension/runs/runFollower';
import { writeFileAtomic } from '../../../extension/util/atomicFile';
import { createClient } from '../../../kernels/protocol/channel';
import type { KernelApi } from '../../../kernels/protocol/kernelApi';
import { PROTOCOL_VERSION } from '../../../kernels/protocol/kernelApi';

const quiet = { trace: () => {}, debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const say = (record: object): void => void process.stdout.write(`${JSON.stringify(record)}\n`);

/** `program`: the engine; `config`: what to train; `folder`: where settings are written. */
export async function beEditor(program: string, config: string, folder: string): Promise<void> {
  const kernel = spawn(process.execPath, [program, 'serve'], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    serialization: 'advanced',
  });
  const connection = createMessageConnection(new IPCMessageReader(kernel), new IPCMessageWriter(kernel));
  connection.listen();
  const client = createClient<KernelApi>(connection);
  await client.call('hello', { version: PROTOCOL_VERSION });
  say({ kernel: kernel.pid });
  void write(folder);
  const { run } = await client.call('run/start', { config });
  say({ run });
  const follower = new RunFollower(run, quiet);
  follower.onDidChange(() => say({ seen: follower.metrics.lastStep, status: follower.state?.status }));
  await follower.start();
}

/** Replaces a settings file and a configuration, numbered, as fast as the disk lets it. */
async function write(folder: string): Promise<void> {
  // Long enough to be cut in two.
  const filler = 'x'.repeat(50_000);
  for (let number = 1; ; number++) {
    await writeFileAtomic(path.join(folder, 'settings.json'), JSON.stringify({ filler, number }));
    await writeFileAtomic(path.join(folder, 'written.adapter.yaml'), `# ${filler}\nversion: ${number}\n`);
    say({ written: number });
  }
}
