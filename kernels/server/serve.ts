/** @file The interactive kernel's end of the channel: answers the editor's calls until the editor goes away. */
import {
  createMessageConnection,
  IPCMessageReader,
  IPCMessageWriter,
  type MessageReader,
  type MessageWriter,
} from 'vscode-jsonrpc/node';
import { createEmitter, serveCalls, type Handlers, type Server } from '../protocol/channel';
import type { KernelApi } from '../protocol/kernelApi';

/** One entry for every call of the editor; each is one function of the engine. */
export type KernelHandlers = Handlers<KernelApi>;

/** The entries for the calls of one subject. */
export type HandlersOf<C extends object> = Handlers<{ calls: C; events: object }>;

/** The events of the connection, for handlers that log. */
export type KernelEvents = Server<KernelApi>;

/**
 * Serves one editor and resolves when the connection is over; calls still running then have been aborted. `handlers` may
 * be made from the events of the connection.
 */
export async function serve(
  handlers: KernelHandlers | ((events: KernelEvents) => KernelHandlers),
  reader: MessageReader,
  writer: MessageWriter,
): Promise<void> {
  const connection = createMessageConnection(reader, writer);
  const over = new Promise<void>((resolve) => connection.onClose(resolve));
  const table = typeof handlers === 'function' ? handlers(createEmitter<KernelApi>(connection)) : handlers;
  serveCalls<KernelApi>(connection, table);
  connection.listen();
  await over;
  connection.dispose();
}

/**
 * The message pipe to the process that spawned this one, or undefined when there is none (started by hand). Not the
 * standard streams: native libraries print there.
 */
export function parentPipe(): { reader: MessageReader; writer: MessageWriter } | undefined {
  if (!process.send) return undefined;
  return { reader: new ParentReader(process), writer: new IPCMessageWriter(process) };
}

/** The library's reader waits for `close`, which a process never emits about itself; the end of the parent is `disconnect`. */
class ParentReader extends IPCMessageReader {
  constructor(parent: NodeJS.Process) {
    super(parent);
    parent.once('disconnect', () => this.fireClose());
  }
}
