/**
 * @file The JSON-RPC of one webview: a connection for each loading of its page. In a file of its own, which a page's first message
 * loads: the library takes a third of the time in which the extension may activate.
 */
import {
  AbstractMessageReader,
  AbstractMessageWriter,
  createMessageConnection,
  Message,
  type DataCallback,
  type MessageConnection,
  type MessageReader,
  type MessageWriter,
} from 'vscode-jsonrpc/node';
import type { Webview } from 'vscode';
import {
  serveCalls,
  type Contract,
  type Handlers,
  type ParamGuards,
  type Server,
} from '../../kernels/protocol/channel';
import type { Log } from '../util/log';

export class PageChannel<C extends Contract> implements Server<C> {
  private connection: MessageConnection | undefined;
  private server: Server<C> | undefined;
  private reader: WebviewReader | undefined;

  constructor(
    private readonly webview: Pick<Webview, 'postMessage'>,
    private readonly handlers: Handlers<C>,
    private readonly guards: ParamGuards<C>,
    private readonly log: Log,
  ) {}

  emit: Server<C>['emit'] = (event, payload) => this.server?.emit(event, payload);

  dispose(): void {
    this.connection?.dispose();
  }

  receive(message: unknown): void {
    if (!isJsonRpc(message)) {
      this.log.warn(`a page sent something that is not a message: ${typeof message}`);
      return;
    }
    if (Message.isRequest(message) && message.method === 'page/open') this.begin();
    this.reader?.deliver(message);
  }

  private begin(): void {
    this.connection?.dispose();
    this.reader = new WebviewReader();
    this.connection = createMessageConnection(this.reader, new WebviewWriter(this.webview));
    this.connection.onError(([error]) => this.log.warn(`page connection: ${error.message}`));
    this.server = serveCalls<C>(this.connection, this.handlers, this.guards);
    this.connection.listen();
  }
}

class WebviewReader extends AbstractMessageReader implements MessageReader {
  private callback: DataCallback | undefined;

  listen(callback: DataCallback) {
    this.callback = callback;
    return { dispose: () => (this.callback = undefined) };
  }

  deliver(message: Message): void {
    this.callback?.(message);
  }
}

class WebviewWriter extends AbstractMessageWriter implements MessageWriter {
  private isOpen = true;

  constructor(private readonly webview: Pick<Webview, 'postMessage'>) {
    super();
  }

  async write(message: Message): Promise<void> {
    if (this.isOpen) await this.webview.postMessage(message);
  }

  end(): void {}

  override dispose(): void {
    this.isOpen = false;
    super.dispose();
  }
}

function isJsonRpc(message: unknown): message is Message {
  return typeof message === 'object' && message !== null && 'jsonrpc' in message && message.jsonrpc === '2.0';
}
