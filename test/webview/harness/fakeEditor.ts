/** @file Stands for VS Code in the harness: messages travel as there (page to host as JSON, host to page as a structured clone). */
// What the engine says in the editor's language, a host says in the harness's.
import '../../../webview/shared/loadTexts';
import {
  AbstractMessageReader,
  AbstractMessageWriter,
  createMessageConnection,
  type Message,
  type DataCallback,
  type MessageConnection,
} from 'vscode-jsonrpc/browser';
import { serveCalls, type Contract, type Handlers, type Server } from '../../../kernels/protocol/channel';

class PageReader extends AbstractMessageReader {
  private callback: DataCallback = () => {};
  listen(callback: DataCallback) {
    this.callback = callback;
    return { dispose: () => {} };
  }
  deliver(message: Message): void {
    this.callback(message);
  }
}

/** The window of the page: this one, or a frame in it. */
function pageWindow(): Window {
  return document.querySelector('iframe')?.contentWindow ?? window;
}

class PageWriter extends AbstractMessageWriter {
  async write(message: Message): Promise<void> {
    pageWindow().postMessage(message, '*');
  }
  end(): void {}
}

/** Gives the page its `acquireVsCodeApi`, and serves its calls. */
export function serveAsEditor<C extends Contract>(handlers: Handlers<C>): Server<C> {
  const reader = new PageReader();
  const connection: MessageConnection = createMessageConnection(reader, new PageWriter());
  const server = serveCalls<C>(connection, handlers);
  connection.listen();
  if (pageWindow() !== window) {
    window.addEventListener('message', ({ data }: MessageEvent<Message>) => reader.deliver(data));
    return server;
  }
  let state: unknown = JSON.parse(sessionState());
  Object.assign(window, {
    acquireVsCodeApi: () => ({
      postMessage: (message: Message) => {
        const copy = JSON.parse(JSON.stringify(message)) as Message;
        setTimeout(() => reader.deliver(copy));
      },
      getState: () => state,
      setState: (next: unknown) => (state = next),
    }),
    pageState: () => state,
  });
  return server;
}

/** What the page kept before it was hidden, for tests of that. */
function sessionState(): string {
  return new URLSearchParams(location.search).get('state') ?? '{}';
}
