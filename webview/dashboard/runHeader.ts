/** @file The head of the dashboard: which run, how it stands, how long it still takes, and what can be done with it. */
import '@vscode-elements/elements/dist/vscode-badge/index.js';
import '@vscode-elements/elements/dist/vscode-button/index.js';
import '@vscode-elements/elements/dist/vscode-progress-bar/index.js';
import * as l10n from '@vscode/l10n';
import { html, nothing, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import type { RunStatus } from '../../kernels/protocol/types';
import type { DashboardSnapshot } from '../protocol/dashboard';
import { formatBytes, formatCount, formatDuration, formatNumber, formatShort, UNKNOWN } from '../shared/format';
import { icon } from '../shared/icon';
import { SignalElement } from '../shared/signalElement';
import type { DashboardStore } from './store';

const STATUS: Readonly<Record<RunStatus, { readonly icon: string; readonly text: string }>> = {
  queued: { icon: 'watch', text: l10n.t('Queued') },
  starting: { icon: 'loading codicon-modifier-spin', text: l10n.t('Starting') },
  running: { icon: 'sync codicon-modifier-spin', text: l10n.t('Running') },
  stopping: { icon: 'loading codicon-modifier-spin', text: l10n.t('Stopping') },
  stopped: { icon: 'debug-pause', text: l10n.t('Stopped') },
  finished: { icon: 'pass-filled', text: l10n.t('Finished') },
  failed: { icon: 'error', text: l10n.t('Failed') },
};

@customElement('as-run-header')
export class RunHeader extends SignalElement {
  @property({ attribute: false }) store!: DashboardStore;

  protected override render(): TemplateResult | typeof nothing {
    const snapshot = this.store.snapshot.value;
    if (!snapshot) return html`<p class="muted">${l10n.t('Opening the run…')}</p>`;
    const { state, info, run } = snapshot;
    const status = STATUS[state.status];
    return html`<div class="run-title">
        <h1>${info?.name ?? run}</h1>
        <vscode-badge class="status status-${state.status}">${icon(status.icon)} ${status.text}</vscode-badge>
        ${this.renderCommands(snapshot)}
      </div>
      <vscode-progress-bar
        aria-label=${l10n.t('Training progress')}
        .value=${state.step}
        .max=${Math.max(1, state.total_steps)}
      ></vscode-progress-bar>
      ${this.renderFacts(snapshot)}
      ${state.error ? html`<p class="banner error" role="alert">${icon('error')} <span>${state.error}</span></p>` : nothing}`;
  }

  private renderCommands({ can }: DashboardSnapshot): TemplateResult {
    const { store } = this;
    return html`<div class="run-commands" role="group" aria-label=${l10n.t('Run')}>
      ${commandButton(l10n.t('Stop'), 'debug-stop', can.stop, () => store.command('stop'), l10n.t('Save a checkpoint and stop'))}
      ${commandButton(l10n.t('Resume'), 'debug-continue', can.resume, () => store.command('resume'), l10n.t('Go on from the last checkpoint'))}
      ${commandButton(l10n.t('Merge'), 'git-merge', can.merge, () => store.command('merge'), l10n.t('Merge the adapter into its base model'))}
      ${commandButton(l10n.t('Open Folder'), 'folder-opened', true, () => store.command('openFolder'))}
      ${commandButton(l10n.t('Log'), 'output', true, () => store.command('openLog'))}
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
      ${state.best ? fact(l10n.t('Best eval loss'), l10n.t('{0} at step {1}', formatNumber(state.best.loss), formatCount(state.best.step))) : nothing}
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

function commandButton(
  text: string,
  iconName: string,
  isEnabled: boolean,
  run: () => void,
  title = text,
): TemplateResult {
  return html`<vscode-button
    secondary
    title=${title}
    ?disabled=${!isEnabled}
    aria-disabled=${!isEnabled}
    @click=${() => isEnabled && run()}
    ><span slot="content-before">${icon(iconName)}</span>${text}</vscode-button
  >`;
}
