/** @file One comparison: a panel that follows several runs, each from its folder, so it survives every reload. */
import { basename } from 'node:path';
import { l10n, Uri, type WebviewPanel } from 'vscode';
import type { Handlers } from '../../kernels/protocol/channel';
import { KernelError } from '../../kernels/protocol/errors';
import type { ComparedRun, ComparePage, ComparisonSnapshot } from '../../webview/protocol/compare';
import { PageConnection } from '../pages/pageConnection';
import { pageHtml, pageRoot } from '../pages/pageHtml';
import { RunFollower } from '../runs/runFollower';
import { throttle } from '../util/debounce';
import { Owner } from '../util/disposables';
import type { Log } from '../util/log';
import { comparisonGuards } from './comparisonGuards';
import { noState } from './dashboardPanel';
import { savePicture } from './saveFile';

export const COMPARISON_VIEW_TYPE = 'adapterStudio.comparison';

/** Drawing all plots takes a good part of a processor's second, and the run may have no other processor. */
const UPDATE_INTERVAL_MS = 1_000;

export class ComparisonPanel extends Owner {
  private readonly followers: readonly RunFollower[];
  private readonly page: PageConnection<ComparePage>;

  /** Takes the panel over: it is disposed with this object and this object with it. `openRun` shows a run's dashboard. */
  constructor(
    folders: readonly string[],
    private readonly panel: WebviewPanel,
    extensionUri: Uri,
    private readonly openRun: (folder: string) => void,
    private readonly log: Log,
  ) {
    super();
    this.followers = folders.map((folder) => this.register(new RunFollower(folder, log)));
    this.page = this.register(new PageConnection(panel.webview, this.handlers(), comparisonGuards, log));
    const update = this.register(throttle(UPDATE_INTERVAL_MS, () => this.page.emit('runs/changed', this.snapshot())));
    for (const follower of this.followers) this.register(follower.onDidChange(update));
    const icon = (theme: string) => Uri.joinPath(extensionUri, 'media', 'icons', `dashboard-${theme}.svg`);
    panel.iconPath = { light: icon('light'), dark: icon('dark') };
    panel.title = l10n.t('Comparison');
    panel.webview.options = { enableScripts: true, localResourceRoots: [pageRoot(extensionUri)] };
    // All records are read before the page asks for them.
    void Promise.all(this.followers.map((follower) => follower.start())).then(() => {
      const names = this.followers.map(({ info, folder }) => info?.name ?? basename(folder));
      panel.title = l10n.t('Comparison: {0}', [...new Set(names)].join(', '));
      panel.webview.html = pageHtml(panel.webview, extensionUri, 'compare', panel.title);
    });
  }

  reveal(): void {
    this.panel.reveal(this.panel.viewColumn, false);
  }

  private snapshot(): ComparisonSnapshot {
    const sum = (of: (follower: RunFollower) => number) => this.followers.reduce((total, f) => total + of(f), 0);
    return {
      runs: this.followers.map(comparedRun),
      revision: sum(({ revision }) => revision),
      spectraRevision: sum(({ spectraRevision }) => spectraRevision),
    };
  }

  private handlers(): Handlers<ComparePage> {
    return {
      'page/open': () => this.snapshot(),
      'series/get': (request) => this.followers.map(({ metrics }) => metrics.traces(request)),
      'rank/means': ({ measure }) => this.followers.map(({ ranks }) => ranks.mean(measure)),
      'run/open': ({ folder }) => {
        if (!this.followers.some((follower) => follower.folder === folder)) {
          throw new KernelError('internal', l10n.t('{0} is none of the runs that are compared here.', folder));
        }
        this.openRun(folder);
      },
      'save/png': ({ name, dataUrl }) => savePicture(`comparison-${name}`, dataUrl, this.log),
    };
  }
}

function comparedRun({ folder, info, state, isGone, metrics }: RunFollower): ComparedRun {
  return {
    folder,
    info,
    state: state ?? noState(isGone),
    isGone,
    lastLoss: metrics.lastLoss ?? null,
    lastEvalLoss: metrics.lastEvalLoss ?? null,
    stepSeconds: metrics.totalStepSeconds,
    tokensPerSecond: metrics.meanTokensPerSecond ?? null,
    peakRss: metrics.peakRss ?? null,
  };
}
