/** @file One dashboard: a panel that shows one run and is served from the run's folder, so it survives every reload. */
import { Buffer } from 'node:buffer';
import { basename, join } from 'node:path';
import { commands, l10n, Uri, window, workspace, type WebviewPanel } from 'vscode';
import type { Handlers } from '../../kernels/protocol/channel';
import { KernelError } from '../../kernels/protocol/errors';
import type { RunState } from '../../kernels/protocol/types';
import type { CommandId } from '../commands/table';
import type { DashboardPage, DashboardSnapshot } from '../../webview/protocol/dashboard';
import { PageConnection } from '../pages/pageConnection';
import { dashboardGuards } from './dashboardGuards';
import { pageHtml, pageRoot } from '../pages/pageHtml';
import { metricsCsv, spectraCsv } from '../runs/csv';
import { RunFollower } from '../runs/runFollower';
import { runFiles } from '../runs/runFolder';
import { capabilities } from '../runs/runSummary';
import { writeFileAtomic } from '../util/atomicFile';
import { throttle } from '../util/debounce';
import { Owner } from '../util/disposables';
import type { Log } from '../util/log';

export const DASHBOARD_VIEW_TYPE = 'adapterStudio.dashboard';

const UPDATE_INTERVAL_MS = 250;
const PNG_URL = 'data:image/png;base64,';

/** Shown while `state.json` is not there: the run is being made, or someone deleted it. */
const noState: RunState = {
  status: 'failed',
  pid: 0,
  host: '',
  heartbeat: 0,
  step: 0,
  total_steps: 0,
  error: 'The folder has no state.json.',
};

export class DashboardPanel extends Owner {
  private readonly follower: RunFollower;
  private readonly page: PageConnection<DashboardPage>;

  /** Takes the panel over: it is disposed with this object and this object with it. */
  constructor(
    readonly folder: string,
    private readonly panel: WebviewPanel,
    extensionUri: Uri,
    private readonly log: Log,
  ) {
    super();
    this.follower = this.register(new RunFollower(folder, log));
    this.page = this.register(new PageConnection(panel.webview, this.handlers(), dashboardGuards, log));
    const update = this.register(throttle(UPDATE_INTERVAL_MS, () => this.page.emit('run/changed', this.snapshot())));
    this.register(this.follower.onDidChange(update));
    this.register(workspace.onDidGrantWorkspaceTrust(update));
    const icon = (theme: string) => Uri.joinPath(extensionUri, 'media', 'icons', `dashboard-${theme}.svg`);
    panel.iconPath = { light: icon('light'), dark: icon('dark') };
    panel.title = basename(folder);
    panel.webview.options = { enableScripts: true, localResourceRoots: [pageRoot(extensionUri)] };
    // All records are read before the page asks for them.
    void this.follower.start().then(() => {
      panel.title = this.follower.info?.name ?? basename(folder);
      panel.webview.html = pageHtml(panel.webview, extensionUri, 'dashboard', panel.title);
    });
  }

  reveal(): void {
    this.panel.reveal(undefined, false);
  }

  private snapshot(): DashboardSnapshot {
    const { follower } = this;
    const state = follower.state ?? noState;
    const can = capabilities({ state, contents: follower.contents });
    const isTrusted = workspace.isTrusted;
    return {
      run: this.folder,
      info: follower.info,
      state,
      events: follower.events,
      revision: follower.revision,
      spectraRevision: follower.spectraRevision,
      etaSeconds: follower.etaSeconds,
      tokensPerSecond: follower.metrics.recentTokensPerSecond() ?? null,
      rss: follower.metrics.lastRss ?? null,
      can: { stop: can.stop && isTrusted, resume: can.resume && isTrusted, merge: can.merge && isTrusted },
    };
  }

  private handlers(): Handlers<DashboardPage> {
    return {
      'page/open': () => this.snapshot(),
      'series/get': (request) => this.follower.metrics.traces(request),
      'rank/table': () => this.follower.ranks.table(),
      'rank/spectrum': ({ module }) => this.follower.ranks.spectrum(module),
      'run/command': ({ command }) => this.runCommand(command),
      'save/csv': ({ what }) => this.saveCsv(what),
      'save/png': ({ name, dataUrl }) => this.savePng(name, dataUrl),
    };
  }

  /** Commands show their own failures, so that they look the same from wherever they are run. */
  private async runCommand(command: 'stop' | 'resume' | 'merge' | 'openFolder' | 'openLog'): Promise<void> {
    const ids = {
      stop: 'adapterStudio.stopRun',
      resume: 'adapterStudio.resumeRun',
      merge: 'adapterStudio.mergeAdapter',
      openFolder: 'adapterStudio.revealRun',
    } as const satisfies Record<string, CommandId>;
    if (command === 'openLog') await window.showTextDocument(Uri.file(join(this.folder, runFiles.log)));
    else await commands.executeCommand(ids[command], { folder: this.folder });
  }

  private async saveCsv(what: 'metrics' | 'spectra'): Promise<void> {
    const target = await this.askTarget(`${what}.csv`, { CSV: ['csv'] });
    if (!target) return;
    await writeFileAtomic(target, await (what === 'metrics' ? metricsCsv : spectraCsv)(this.folder));
    this.log.info(`saved ${target}`);
  }

  private async savePng(name: string, dataUrl: string): Promise<void> {
    if (!dataUrl.startsWith(PNG_URL))
      throw new KernelError('internal', 'The page sent something that is not a PNG picture.');
    const target = await this.askTarget(`${name.replace(/[^\w.-]+/g, '-')}.png`, { PNG: ['png'] });
    if (!target) return;
    await writeFileAtomic(target, Buffer.from(dataUrl.slice(PNG_URL.length), 'base64'));
    this.log.info(`saved ${target}`);
  }

  private async askTarget(name: string, filters: Record<string, string[]>): Promise<string | undefined> {
    const run = this.follower.info?.name ?? basename(this.folder);
    const folder = workspace.workspaceFolders?.[0]?.uri ?? Uri.file(this.folder);
    const defaultUri = Uri.joinPath(folder, `${run}-${name}`);
    const target = await window.showSaveDialog({ defaultUri, filters, title: l10n.t('Save') });
    return target?.fsPath;
  }
}
