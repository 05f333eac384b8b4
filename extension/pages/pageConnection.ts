/** @file Serves a page: JSON-RPC over postMessage, for as long as the webview lives and however often its page is loaded anew. */
import type { Webview } from 'vscode';
import type { Contract, Handlers, ParamGuards, Server } from '../../kernels/protocol/channel';
import { Owner } from '../util/disposables';
import type { Log } from '../util/log';
import type { PageChannel } from './pageChannel';

/**
 * The host's end of one webview. A hidden page is destroyed and a new one counts its calls from the start, so each
 * `page/open` begins a new connection: a late answer for the old page must not reach the new one under the same number.
 */
export class PageConnection<C extends Contract> extends Owner implements Server<C> {
  private channel: PageChannel<C> | undefined;
  /** Messages that came while the channel was being loaded, in order. */
  private readonly early: unknown[] = [];
  private isDisposed = false;

  constructor(
    private readonly webview: Pick<Webview, 'postMessage' | 'onDidReceiveMessage'>,
    private readonly handlers: Handlers<C>,
    private readonly guards: ParamGuards<C>,
    private readonly log: Log,
  ) {
    super();
    this.register(webview.onDidReceiveMessage((message) => this.receive(message)));
  }

  /** Sends an event to the page, if one is open. */
  emit: Server<C>['emit'] = (event, payload) => this.channel?.emit(event, payload);

  override dispose(): void {
    this.isDisposed = true;
    this.channel?.dispose();
    super.dispose();
  }

  private receive(message: unknown): void {
    if (this.channel) this.channel.receive(message);
    else if (this.early.push(message) === 1) void this.load();
  }

  private async load(): Promise<void> {
    const { PageChannel } = await import('./pageChannel');
    if (this.isDisposed) return;
    this.channel = new PageChannel(this.webview, this.handlers, this.guards, this.log);
    for (const message of this.early.splice(0)) this.channel.receive(message);
  }
}
