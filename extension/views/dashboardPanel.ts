/** @file One dashboard: a panel that shows one run and is served from the run's folder, so it survives every reload. */
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { commands, l10n, Uri, window, workspace, type WebviewPanel } from 'vscode';
import type { Handlers } from '../../kernels/protocol/channel';
import { KernelError } from '../../kernels/protocol/errors';
import type { RunEvent, RunState } from '../../kernels/protocol/types';
import type { CommandId } from '../commands/table';
import type { DashboardPage, DashboardSnapshot, RunCommand } from '../../webview/protocol/dashboard';
import { PageConnection } from '../pages/pageConnection';
import { pageHtml, pageRoot } from '../pages/pageHtml';
import { metricsCsv, spectraCsv } from '../runs/csv';
import { RunFollower } from '../runs/runFollower';
import { runFiles } from '../runs/runFolder';
import type { RunLibrary } from '../runs/runLibrary';
import { capabilities } from '../runs/runSummary';
import { writeFileAtomic } from '../util/atomicFile';
import { throttle } from '../util/debounce';
import { Owner } from '../util/disposables';
import type { Log } from '../util/log';
import { dashboardGuards } from './dashboardGuards';
import { askTarget, savePicture } from './saveFile';

export const DASHBOARD_VIEW_TYPE = 'adapterStudio.dashboard';

/** Drawing all plots takes a good part of a processor's second, and the run may have no other processor. */
const UPDATE_INTERVAL_MS = 1_000;
/** As many as the list of events shows. */
const MAX_EVENTS = 200;

/** Shown while `state.json` is not there: the run is being made, or someone deleted it. */
export const noState = (isGone: boolean): RunState => ({
  status: 'failed',
  pid: 0,
  host: '',
  heartbeat: 0,
  step: 0,
  total_steps: 0,
  ...(isGone ? {} : { error: l10n.t('The folder has no state.json.') }),
});

/** What the plots show as a vertical line. */
const isMarked = ({ event, watch }: RunEvent): boolean =>
  event === 'resumed' || event === 'restart' || watch !== undefined;

export class DashboardPanel extends Owner {
  private readonly follower: RunFollower;
  private readonly page: PageConnection<DashboardPage>;

  /** Takes the panel over: it is disposed with this object and this object with it. */
  constructor(
    readonly folder: string,
    private readonly panel: WebviewPanel,
    extensionUri: Uri,
    private readonly runs: RunLibrary,
    private readonly log: Log,
  ) {
    super();
    this.follower = this.register(new RunFollower(folder, log));
    this.page = this.register(new PageConnection(panel.webview, this.handlers(), dashboardGuards, log));
    const update = this.register(throttle(UPDATE_INTERVAL_MS, () => this.page.emit('run/changed', this.snapshot())));
    this.register(this.follower.onDidChange(update));
    this.register(workspace.onDidGrantWorkspaceTrust(update));
    // The place in the queue changes when other runs do.
    this.register(runs.onDidChange(() => this.follower.state?.status === 'queued' && update()));
    const icon = (theme: string) => Uri.joinPath(extensionUri, 'media', 'icons', `dashboard-${theme}.svg`);
    panel.iconPath = { light: icon('light'), dark: icon('dark') };
    panel.title = basename(folder);
    panel.webview.options = { enableScripts: true, localResourceRoots: [pageRoot(extensionUri)] };
    // All records are read before the page asks for them.
    void this.follower.start().then(() => {
      panel.title = this.name;
      panel.webview.html = pageHtml(panel.webview, extensionUri, 'dashboard', panel.title);
    });
  }

  close(): void {
    this.panel.dispose();
  }

  reveal(preserveFocus: boolean): void {
    // Where it is: without a column the editor would show it in the active one.
    this.panel.reveal(this.panel.viewColumn, preserveFocus);
  }

  private snapshot(): DashboardSnapshot {
    const { follower } = this;
    const { isGone, events } = follower;
    const state = follower.state ?? noState(isGone);
    const can = capabilities({ state, contents: follower.contents });
    const isUsable = workspace.isTrusted && !isGone;
    const queue = this.queueOf(state);
    return {
      run: this.folder,
      info: follower.info,
      state,
      events: events.slice(-MAX_EVENTS),
      eventCount: events.length,
      warningCount: events.filter(({ event }) => event === 'warning' || event === 'failed').length,
      marks: events.filter(isMarked).slice(-MAX_EVENTS),
      revision: follower.revision,
      spectraRevision: follower.spectraRevision,
      activityRevision: follower.activityRevision,
      samplesRevision: follower.samplesRevision,
      isGone,
      ...(queue && { queue }),
      etaSeconds: isGone || state.status === 'queued' ? null : follower.etaSeconds,
      tokensPerSecond: follower.metrics.recentTokensPerSecond() ?? null,
      rss: follower.metrics.lastRss ?? null,
      can: {
        stop: can.stop && isUsable,
        resume: can.resume && isUsable,
        merge: can.merge && isUsable,
        tryIt: can.merge && isUsable,
        inspect: can.merge && !isGone,
      },
    };
  }

  private queueOf(state: RunState): DashboardSnapshot['queue'] {
    if (state.status !== 'queued') return undefined;
    const run = this.runs.get(this.folder);
    const atWork = this.runs.runsAtWork.find((other) => other.state.host === state.host);
    return { place: (run && this.runs.placeOf(run)) ?? 1, behind: atWork?.info.name ?? null };
  }

  private handlers(): Handlers<DashboardPage> {
    return {
      'page/open': () => this.snapshot(),
      'series/get': (request) => this.follower.metrics.traces(request),
      'rank/tables': () => this.follower.ranks.tables(),
      'rank/spectrum': ({ module, of }) => this.follower.ranks.spectrum(module, of),
      'activity/get': () => this.follower.activity.report(),
      'samples/list': () => this.follower.samples.list(),
      'samples/at': ({ steps }) => this.follower.samples.at(steps),
      'run/command': ({ command }) => this.runCommand(command),
      'save/csv': ({ what }) => this.saveCsv(what),
      'save/png': ({ name, dataUrl }) => savePicture(`${this.name}-${name}`, dataUrl, this.log),
    };
  }

  /** Commands show their own failures, so that they look the same from wherever they are run. */
  private async runCommand(command: RunCommand): Promise<void> {
    const ids = {
      stop: 'adapterStudio.stopRun',
      resume: 'adapterStudio.resumeRun',
      merge: 'adapterStudio.mergeAdapter',
      tryIt: 'adapterStudio.tryIt',
      inspect: 'adapterStudio.inspect',
      trainAgain: 'adapterStudio.trainAgain',
      openFolder: 'adapterStudio.revealRun',
    } as const satisfies Partial<Record<RunCommand, CommandId>>;
    switch (command) {
      case 'openLog':
        await window.showTextDocument(Uri.file(join(this.folder, runFiles.log)));
        break;
      case 'openConfiguration':
        await this.openConfiguration();
        break;
      default:
        await commands.executeCommand(ids[command], { folder: this.folder });
    }
  }

  /** The file it was started from; where that is gone, what the run keeps of it. */
  private async openConfiguration(): Promise<void> {
    const file = this.follower.info?.config_file;
    const isThere = file !== undefined && existsSync(file);
    await window.showTextDocument(Uri.file(isThere ? file : join(this.folder, runFiles.info)));
  }

  private async saveCsv(what: 'metrics' | 'spectra'): Promise<void> {
    if (this.follower.isGone) {
      const message = l10n.t('{0} is not there any more, and with it all points of the curves.', this.folder);
      throw new KernelError('input/refused', message);
    }
    const target = await askTarget(`${this.name}-${what}.csv`, { CSV: ['csv'] });
    if (!target) return;
    await writeFileAtomic(target, await (what === 'metrics' ? metricsCsv : spectraCsv)(this.folder));
    this.log.info(`saved ${target}`);
  }

  private get name(): string {
    return this.follower.info?.name ?? basename(this.folder);
  }
}
