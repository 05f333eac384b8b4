/**
 * @file How a live run is talked to: a local socket in a folder that only its owner may enter; its address and secret lie in
 * the run folder, readable by the owner only. A run that cannot be reached is still described by its folder.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as l10n from '@vscode/l10n';
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
/** A command is a few hundred bytes. Whoever sends more on one connection is cut off before it is put together in memory. */
const MAX_RECEIVED_BYTES = 16 * 1024;
/** Socket paths are limited to 104 bytes on macOS, 108 on Linux. */
const MAX_SOCKET_PATH = 100;
const FOLDER_PREFIX = 'adapter-studio-run-';

/** Listens until `close`; `onCommand` answers with the step at which the command took effect. */
export async function serveControl(
  run: RunFolder,
  onCommand: (command: ControlCommand) => Promise<{ readonly step: number }>,
): Promise<Control> {
  removeLeftSocket(run);
  const address = newAddress();
  const secret = randomBytes(32).toString('hex');
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    answer(socket, secret, onCommand);
  });
  const close = (): void => {
    server.close();
    // Whoever only holds a connection open must not keep a finished run's process alive.
    for (const socket of sockets) socket.destroy();
    rmSync(run.file(FILE), { force: true });
    removeAddress(address);
  };
  try {
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(address, resolve));
    // Such as too many open files when somebody connects: that must not end the run.
    server.on('error', () => undefined);
    if (process.platform !== 'win32') chmodSync(address, 0o600);
    writeFileAtomic(run.file(FILE), JSON.stringify({ address, secret }), { mode: 0o600 });
  } catch (cause) {
    close();
    if (KernelError.is(cause)) throw cause;
    throw new KernelError('machine/failed', l10n.t('the run cannot listen on {0}: {1}', address, String(cause)), {
      cause,
    });
  }
  return { close };
}

/** Sends a command to the process of a live run and waits until it has taken effect. */
export async function sendControl(run: RunFolder, command: ControlCommand): Promise<{ readonly step: number }> {
  const unreachable = (cause?: unknown): KernelError =>
    new KernelError(
      'machine/failed',
      l10n.t('the process of the run {0} cannot be reached; is it still running?', run.dir),
      {
        cause,
      },
    );
  // A process may end faster than its answer travels; then its last state is the answer.
  const lastStep = (): { readonly step: number } => {
    const { status, step } = run.state;
    if (status !== 'stopped' && status !== 'finished') throw unreachable();
    return { step };
  };
  const file = readControl(run);
  if (!file) return lastStep();
  const { address, secret } = file;
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
  connection.onError(() => socket.destroy());
  socket.on('error', () => socket.destroy());
  let received = 0;
  socket.on('data', (chunk: Buffer) => {
    received += chunk.length;
    if (received > MAX_RECEIVED_BYTES) socket.destroy();
  });
  connection.onRequest(METHOD, async (p: { readonly secret?: unknown; readonly command?: unknown } | undefined) => {
    if (typeof p?.secret !== 'string' || !isEqual(p.secret, secret) || p.command !== 'stop') {
      socket.destroy();
      throw new Error('refused');
    }
    return onCommand(p.command);
  });
  connection.listen();
}

/** In a time that says nothing about where, or in what length, the two differ. */
function isEqual(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

/** A name that nobody can guess, in a new folder that only this user may enter: other users cannot even try. */
function newAddress(): string {
  const id = randomBytes(12).toString('hex');
  if (process.platform === 'win32') return `\\\\.\\pipe\\adapter-studio-${id}`;
  const isShort = (parent: string): boolean =>
    Buffer.byteLength(path.join(parent, `${FOLDER_PREFIX}XXXXXX`, 's')) < MAX_SOCKET_PATH;
  const parent = isShort(tmpdir()) ? tmpdir() : '/tmp';
  return path.join(mkdtempSync(path.join(parent, FOLDER_PREFIX)), 's');
}

function removeAddress(address: string): void {
  if (process.platform === 'win32') return;
  const folder = path.dirname(address);
  // Only what has the form of our own: the address may come from a file.
  if (path.basename(folder).startsWith(FOLDER_PREFIX) && path.basename(address) === 's') {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What a process left that was killed. Only for the owner of the run. */
function removeLeftSocket(run: RunFolder): void {
  const left = readControl(run);
  if (left) removeAddress(left.address);
  rmSync(run.file(FILE), { force: true });
}

/** Null while there is none, or none that could be one. */
function readControl(run: RunFolder): ControlFile | null {
  const file = run.file(FILE);
  if (!existsSync(file)) return null;
  try {
    const read = JSON.parse(readFileSync(file, 'utf8')) as Partial<ControlFile> | null;
    return typeof read?.address === 'string' && typeof read.secret === 'string' ? (read as ControlFile) : null;
  } catch {
    return null; // removed in between, or not ours
  }
}
