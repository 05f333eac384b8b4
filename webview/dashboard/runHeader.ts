/** @file The head of the dashboard: which run, how it stands, how long it still takes, and what can be done with it. */
import '@vscode-elements/elements/dist/vscode-button/index.js';
import '@vscode-elements/elements/dist/vscode-progress-bar/index.js';
import * as l10n from '@vscode/l10n';
import { html, nothing, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import type { DashboardSnapshot, RunCommand } from '../protocol/dashboard';
import { formatBytes, formatCount, formatDuration, formatShare, formatShort, UNKNOWN } from '../shared/format';
import { bestText } from '../shared/bestText';
import { icon } from '../shared/icon';
import { statusBadge } from '../shared/runStatus';
import { SignalElement } from '../shared/signalElement';
import type { DashboardStore } from './store';
import { WATCH_LABELS } from './watchLabels';

interface Action {
  readonly command: RunCommand;
  readonly text: string;
  readonly icon: string;
  readonly isEnabled: boolean;
  readonly title?: string;
}

/** What can be done with a run, in the order of the buttons. */
function actions({ can, state, info, isGone }: DashboardSnapshot): readonly Action[] {
  const stop = { command: 'stop', isEnabled: can.stop } as const;
  return [
    state.status === 'queued'
      ? { ...stop, text: l10n.t('Cancel'), icon: 'close', title: l10n.t('Leave the queue') }
      : state.status === 'starting'
        ? { ...stop, text: l10n.t('Cancel'), icon: 'close', title: l10n.t('Stop before the training begins') }
        : { ...stop, text: l10n.t('Stop'), icon: 'debug-stop', title: l10n.t('Save a checkpoint and stop') },
    {
      command: 'resume',
      text: l10n.t('Resume'),
      icon: 'debug-continue',
      isEnabled: can.resume,
      title: l10n.t('Go on from the last checkpoint'),
    },
    {
      command: 'tryIt',
      text: l10n.t('Try It'),
      icon: 'comment-discussion',
      isEnabled: can.tryIt,
      title: l10n.t('Ask the model with this adapter'),
    },
    {
      command: 'inspect',
      text: l10n.t('Inspect Adapter'),
      icon: 'search',
      isEnabled: can.inspect,
      title: l10n.t('Look into the matrices of the adapter'),
    },
    {
      command: 'merge',
      text: l10n.t('Merge'),
      icon: 'git-merge',
      isEnabled: can.merge,
      title: l10n.t('Merge the adapter into its base model'),
    },
    {
      command: 'openConfiguration',
      text: l10n.t('Configuration'),
      icon: 'settings-gear',
      isEnabled: info !== null && !isGone,
      title: l10n.t('Open the configuration that the run was started from'),
    },
    { command: 'openFolder', text: l10n.t('Open Folder'), icon: 'folder-opened', isEnabled: !isGone },
    { command: 'openLog', text: l10n.t('Log'), icon: 'output', isEnabled: !isGone },
  ];
}

@customElement('as-run-header')
export class RunHeader extends SignalElement {
  @property({ attribute: false }) store!: DashboardStore;

  protected override render(): TemplateResult | typeof nothing {
    const snapshot = this.store.snapshot.value;
    if (!snapshot) return html`<p class="muted">${l10n.t('Opening the run…')}</p>`;
    const { state, info, run, isGone } = snapshot;
    return html`<div class="run-title">
        <h1>${info?.name ?? run}</h1>
        ${statusBadge(state.status, isGone)} ${this.renderCommands(snapshot)}
      </div>
      <vscode-progress-bar
        aria-label=${l10n.t('Training progress')}
        .value=${state.step}
        .max=${Math.max(1, state.total_steps)}
      ></vscode-progress-bar>
      ${this.renderFacts(snapshot)} ${isGone ? goneBanner(snapshot) : nothing}
      ${state.status === 'starting' && !isGone ? startingBanner(state) : nothing}
      ${snapshot.queue ? queueBanner(snapshot.queue) : nothing}
      ${state.status === 'finished' ? gainBanner(snapshot) : nothing}
      ${state.error && !isGone ? html`<p class="banner error" role="alert">${icon('error')} <span>${state.error}</span></p>` : nothing}`;
  }

  private renderCommands(snapshot: DashboardSnapshot): TemplateResult {
    return html`<div class="run-commands" role="group" aria-label=${l10n.t('Run')}>
      ${actions(snapshot).map(
        ({ command, text, icon: name, isEnabled, title = text }) =>
          html`<vscode-button
            secondary
            title=${title}
            ?disabled=${!isEnabled}
            aria-disabled=${!isEnabled}
            @click=${() => isEnabled && this.store.command(command)}
            ><span slot="content-before">${icon(name)}</span>${text}</vscode-button
          >`,
      )}
    </div>`;
  }

  private renderFacts({ state, info, etaSeconds, tokensPerSecond, rss, can }: DashboardSnapshot): TemplateResult {
    const known = <T>(value: T | null | undefined, text: (value: T) => string) =>
      value === null || value === undefined ? UNKNOWN : text(value);
    const trainable = info?.parameters.trainable;
    return html`<dl class="facts">
      ${fact(l10n.t('Step'), `${formatCount(state.step)} / ${formatCount(state.total_steps)}`)}
      ${can.stop || etaSeconds !== null ? fact(l10n.t('Time left'), known(etaSeconds, formatDuration)) : nothing}
      ${fact(
        l10n.t('Tokens/s'),
        known(tokensPerSecond, (v) => formatCount(v)),
      )}
      ${fact(l10n.t('Memory'), known(rss, formatBytes))}
      ${state.best ? fact(l10n.t('Best eval loss'), bestText(state.best)) : nothing}
      ${trainable === undefined ? nothing : fact(l10n.t('Trainable'), l10n.t('{0} parameters', formatShort(trainable)))}
      ${info ? fact(l10n.t('Device'), l10n.t('{0}, {1} threads', info.device.provider, info.device.threads)) : nothing}
    </dl>`;
  }
}

function fact(name: string, value: string): TemplateResult {
  return html`<div>
    <dt>${name}</dt>
    <dd>${value}</dd>
  </div>`;
}

function goneBanner({ run, info }: DashboardSnapshot): TemplateResult {
  const text = info
    ? l10n.t('The folder of this run was deleted or moved: {0}. What was read from it before is still shown.', run)
    : l10n.t('There is no folder {0} any more, so there is nothing to show.', run);
  return html`<p class="banner error" role="alert">${icon('trash')} <span>${text}</span></p>`;
}

/** That the run has ended with a worse model than it began with. */
function gainBanner({ marks }: DashboardSnapshot): TemplateResult | typeof nothing {
  const { reason, action } = marks.findLast(({ watch }) => watch === 'no-gain') ?? {};
  if (reason === undefined) return nothing;
  const text = [WATCH_LABELS['no-gain'], reason].join(': ');
  return html`<p class="banner warning" role="alert">
    ${icon('warning')} <span>${action === undefined ? text : `${text}. ${action}`}</span>
  </p>`;
}

/** What is prepared before the first step, which may take minutes: only the name of it is announced. */
function startingBanner({ doing }: DashboardSnapshot['state']): TemplateResult {
  // eslint-disable-next-line local/literal-texts -- the engine's own texts, where the extraction finds them
  const what = doing ? l10n.t(doing.what) : l10n.t('Waiting for the process of the run');
  return html`<div class="banner starting">
    ${icon('loading')} <span role="status">${what}</span>
    ${
      doing?.fraction === undefined
        ? nothing
        : html`<progress aria-label=${what} max="1" .value=${doing.fraction}></progress>
            <span class="muted" aria-hidden="true">${formatShare(Math.floor(100 * doing.fraction) / 100)}</span>`
    }
  </div>`;
}

function queueBanner({ place, behind }: NonNullable<DashboardSnapshot['queue']>): TemplateResult {
  const text =
    behind === null
      ? l10n.t('In the queue at place {0}. It begins when the runs before it on this machine have ended.', place)
      : l10n.t('In the queue at place {0}. It waits for {1} to end.', place, behind);
  return html`<p class="banner queue" role="status">${icon('watch')} <span>${text}</span></p>`;
}
