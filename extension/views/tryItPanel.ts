/**
 * @file The panel that tries models. It has an engine of its own, started with the first answer and ended with the panel: writing
 * keeps a process busy and its models in memory, and the engine that checks and completes must not wait for it.
 */
import { env, l10n, workspace, type Uri, type WebviewPanel } from 'vscode';
import type { Handlers } from '../../kernels/protocol/channel';
import type { TryItOffer, TryItPage, TryItSnapshot } from '../../webview/protocol/tryIt';
import { pickFolder } from '../commands/pick';
import type { KernelHost } from '../kernel/kernelHost';
import { baseOfAdapter } from '../models/baseOfAdapter';
import { PageConnection } from '../pages/pageConnection';
import { pageHtml, pageRoot } from '../pages/pageHtml';
import { throttle } from '../util/debounce';
import type { Disposable } from '../util/disposables';
import { Owner } from '../util/disposables';
import { isCancelled } from '../util/failures';
import type { Log } from '../util/log';
import { tryItGuards } from './tryItGuards';
import type { TryItSources } from './tryItSources';

/** A run at work tells of itself every second; its checkpoints come more rarely. */
const UPDATE_INTERVAL_MS = 2_000;

export interface TryItParts {
  readonly extensionUri: Uri;
  readonly sources: TryItSources;
  /** Fires when runs or models changed. */
  readonly onDidChange: (listener: () => void) => Disposable;
  readonly makeKernel: () => KernelHost;
  readonly log: Log;
}

export class TryItPanel extends Owner {
  private readonly kernel: KernelHost;
  private readonly page: PageConnection<TryItPage>;
  /** What the panel was opened with, until the page has heard of it. */
  private offer: TryItOffer | null = null;
  private isOpen = false;
  private shown = '';

  /** Takes the panel over: it is disposed with this object and this object with it. */
  constructor(
    private readonly panel: WebviewPanel,
    private readonly parts: TryItParts,
  ) {
    super();
    const { extensionUri, onDidChange, makeKernel, log } = parts;
    this.kernel = this.register(makeKernel());
    this.page = this.register(new PageConnection(panel.webview, this.handlers(), tryItGuards, log));
    const update = this.register(throttle(UPDATE_INTERVAL_MS, () => void this.update()));
    this.register(onDidChange(update));
    this.register(workspace.onDidGrantWorkspaceTrust(update));
    panel.title = l10n.t('Try Models');
    panel.webview.options = { enableScripts: true, localResourceRoots: [pageRoot(extensionUri)] };
    panel.webview.html = pageHtml(panel.webview, extensionUri, 'tryIt', panel.title);
  }

  show(offer: TryItOffer | null): void {
    this.panel.reveal(undefined, false);
    if (offer === null) return;
    if (this.isOpen) this.page.emit('tryIt/offer', offer);
    else this.offer = offer;
  }

  private async update(): Promise<void> {
    const snapshot = await this.parts.sources.snapshot();
    const text = JSON.stringify(snapshot);
    if (text === this.shown) return;
    this.shown = text;
    this.page.emit('tryIt/changed', snapshot);
  }

  private handlers(): Handlers<TryItPage> {
    return {
      'page/open': () => this.open(),
      'tryIt/baseOf': async ({ adapter }) => (await baseOfAdapter(adapter))?.path ?? null,
      'tryIt/about': ({ base }, { signal }) => this.kernel.call('generate/about', { base }, { signal }),
      'tryIt/write': async ({ base, adapter, prompt, settings }, { signal, progress }) => {
        const { isRunAtWork } = await this.parts.sources.snapshot();
        const request = {
          base,
          prompt,
          ...settings,
          isBesideRun: isRunAtWork,
          ...(adapter !== undefined && { adapter }),
        };
        return this.kernel.call('generate/write', request, { signal, onProgress: progress });
      },
      'tryIt/browse': ({ what }) => browse(what),
      'tryIt/copy': async ({ text }) => env.clipboard.writeText(text),
    };
  }

  private async open(): Promise<{ snapshot: TryItSnapshot; offer: TryItOffer | null }> {
    const snapshot = await this.parts.sources.snapshot();
    this.shown = JSON.stringify(snapshot);
    const { offer } = this;
    this.offer = null;
    this.isOpen = true;
    return { snapshot, offer };
  }
}

async function browse(what: 'base' | 'adapter' | 'merged'): Promise<string | null> {
  const titles = {
    base: l10n.t('Folder of a base model'),
    adapter: l10n.t('Folder of an adapter'),
    merged: l10n.t('Folder of a merged model'),
  };
  try {
    return await pickFolder(titles[what]);
  } catch (error) {
    if (isCancelled(error)) return null;
    throw error;
  }
}
