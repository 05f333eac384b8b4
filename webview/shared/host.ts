/** @file The page's side of the message layer: JSON-RPC over the messages that VS Code carries between a webview and its host. */
import {
  AbstractMessageReader,
  AbstractMessageWriter,
  createMessageConnection,
  Emitter,
  type Message,
  type DataCallback,
  type Disposable,
  type MessageReader,
  type MessageWriter,
} from 'vscode-jsonrpc/browser';
import { createClient, type Client, type Contract } from '../../kernels/protocol/channel';

/** What VS Code gives a page; may be asked for once. */
export interface VsCodeApi {
  postMessage(message: unknown): void;
  getState(): unknown;
  setState(state: unknown): void;
}
declare function acquireVsCodeApi(): VsCodeApi;

export function acquireApi(): VsCodeApi {
  return acquireVsCodeApi();
}

/** Connects a page to its host. Every call rejects when the host answers with an error. */
export function connectHost<C extends Contract>(api: VsCodeApi, page: Window): Client<C> {
  const connection = createMessageConnection(new WindowReader(page), new HostWriter(api));
  const client = createClient<C>(connection);
  connection.listen();
  return client;
}

/** Anything may post a message to a window, so what is not JSON-RPC is left alone. */
class WindowReader extends AbstractMessageReader implements MessageReader {
  private readonly received = new Emitter<Message>();

  constructor(private readonly page: Window) {
    super();
  }

  listen(callback: DataCallback): Disposable {
    const onMessage = (event: MessageEvent<unknown>) => {
      if (isJsonRpc(event.data)) this.received.fire(event.data);
    };
    this.page.addEventListener('message', onMessage);
    const subscription = this.received.event(callback);
    return {
      dispose: () => {
        subscription.dispose();
        this.page.removeEventListener('message', onMessage);
      },
    };
  }
}

class HostWriter extends AbstractMessageWriter implements MessageWriter {
  constructor(private readonly api: VsCodeApi) {
    super();
  }

  async write(message: Message): Promise<void> {
    this.api.postMessage(message);
  }

  end(): void {}
}

function isJsonRpc(value: unknown): value is Message {
  return typeof value === 'object' && value !== null && (value as { jsonrpc?: unknown }).jsonrpc === '2.0';
}
