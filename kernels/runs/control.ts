/**
 * @file How a live run is talked to: a local socket whose address and secret lie in the run folder, readable by the owner
 * only. A run that cannot be reached is still described by its folder.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createMessageConnection, SocketMessageReader, SocketMessageWriter } from 'vscode-jsonrpc/node';
import { writeFileAtomic } from '../formats/atomicFile';
import { KernelError } from '../protocol/errors';
import type { RunFolder } from './runFolder';

export type ControlCommand = 'stop';

/** A socket on which a run listens. */
export interface Control {
  /** Ends it, with all connections. */
  close(): void;
}

interface ControlFile {
  readonly address: string;
  readonly secret: string;
}

const FILE = 'control.json';
const METHOD = 'control';

/** Listens until `close`; `onCommand` answers with the step at which the command took effect. */
export async function serveControl(
  run: RunFolder,
  onCommand: (command: ControlCommand) => Promise<{ readonly step: number }>,
): Promise<Control> {
  const id = randomBytes(12).toString('hex');
  // Socket paths are limited to about 100 bytes, so it does not lie in the run folder.
  const address =
    process.platform === 'win32'
      ? `\\\\.\\pipe\\adapter-studio-${id}`
      : path.join(tmpdir(), `adapter-studio-${id}.sock`);
  const secret = randomBytes(32).toString('hex');
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    answer(socket, secret, onCommand);
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(address, resolve));
  writeFileAtomic(run.file(FILE), JSON.stringify({ address, secret }), { mode: 0o600 });
  return {
    close: () => {
      server.close();
      // Whoever only holds a connection open must not keep a finished run's process alive.
      for (const socket of sockets) socket.destroy();
      rmSync(run.file(FILE), { force: true });
      if (process.platform !== 'win32') rmSync(address, { force: true });
    },
  };
}

/** Sends a command to the process of a live run and waits until it has taken effect. */
export async function sendControl(run: RunFolder, command: ControlCommand): Promise<{ readonly step: number }> {
  const unreachable = (cause?: unknown): KernelError =>
    new KernelError('machine/failed', `the process of the run ${run.dir} cannot be reached; is it still running?`, {
      cause,
    });
  // A process may end faster than its answer travels; then its last state is the answer.
  const lastStep = (): { readonly step: number } => {
    const { status, step } = run.state;
    if (status !== 'stopped' && status !== 'finished') throw unreachable();
    return { step };
  };
  if (!existsSync(run.file(FILE))) return lastStep();
  const { address, secret } = JSON.parse(readFileSync(run.file(FILE), 'utf8')) as ControlFile;
  const socket = await new Promise<Socket>((resolve, reject) => {
    const s = connect(address, () => resolve(s)).once('error', (cause) => reject(unreachable(cause)));
  });
  const connection = createMessageConnection(new SocketMessageReader(socket), new SocketMessageWriter(socket));
  try {
    connection.listen();
    const gone = new Promise<void>((resolve) => connection.onClose(resolve)).then(lastStep);
    return await Promise.race([connection.sendRequest<{ step: number }>(METHOD, { secret, command }), gone]);
  } finally {
    connection.dispose();
    socket.destroy();
  }
}

function answer(
  socket: Socket,
  secret: string,
  onCommand: (c: ControlCommand) => Promise<{ readonly step: number }>,
): void {
  const connection = createMessageConnection(new SocketMessageReader(socket), new SocketMessageWriter(socket));
  socket.on('error', () => socket.destroy());
  connection.onRequest(METHOD, async (p: { readonly secret?: unknown; readonly command?: unknown }) => {
    if (typeof p.secret !== 'string' || !equal(p.secret, secret) || p.command !== 'stop') {
      socket.destroy();
      throw new Error('refused');
    }
    return onCommand(p.command);
  });
  connection.listen();
}

function equal(a: string, b: string): boolean {
  const [x, y] = [Buffer.from(a), Buffer.from(b)];
  return x.length === y.length && timingSafeEqual(x, y);
}
