/**
 * @file The connection to a started kernel. In a file of its own, which the first call loads: the library behind it takes a third of
 * the time in which the extension may activate.
 */
import { createMessageConnection, type MessageConnection } from 'vscode-jsonrpc/node';
import { createClient, type Client } from '../../kernels/protocol/channel';
import type { KernelApi } from '../../kernels/protocol/kernelApi';
import type { KernelProcess } from './processTransport';

export interface KernelConnection {
  readonly client: Client<KernelApi>;
  readonly connection: MessageConnection;
}

export function connectKernel({ reader, writer }: KernelProcess): KernelConnection {
  const connection = createMessageConnection(reader, writer);
  return { client: createClient<KernelApi>(connection), connection };
}
