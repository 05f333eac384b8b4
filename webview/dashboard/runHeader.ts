/** @file The head of the dashboard: which run, how it stands, how long it still takes, and what can be done with it. */
import '@vscode-elements/elements/dist/vscode-badge/index.js';
import '@vscode-elements/elements/dist/vscode-button/index.js';
import '@vscode-elements/elements/dist/vscode-progress-bar/index.js';
import { html, nothing, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import type { RunStatus } from '../../kernels/protocol/types';
import type { DashboardSnapshot } from '../protocol/dashboard';
import { formatBytes, formatCount, formatDuration, formatNumber, formatShort, UNKNOWN } from '../shared/format';
import { icon } from '../shared/icon';
import { SignalElement } from '../shared/signalElement';
import type { DashboardStore } from './store';

const STATUS: Readonly<Record<RunStatus, { readonly icon: string; readonly text: string }>> = {
  queued: { icon: 'watch', text: 'Queued' },
  starting: { icon: 'loading codicon-modifier-spin', text: 'Starting' },
  running: { icon: 'sync codicon-modifier-spin', text: 'Running' },
  stopping: { icon: 'loading codicon-modifier-spin', text: 'Stopping' },
  stopped: { icon: 'debug-pause', text: 'Stopped' },
  finished: { icon: 'pass-filled', text: 'Finished' },
  failed: { icon: 'error', text: 'Failed' },
};

@customElement('as-run-header')
export class RunHeader extends SignalElement {
  @property({ attribute: false }) store!: DashboardStore;

  protected override render(): TemplateResult | typeof nothing {
    const snapshot = this.store.snapshot.value;
    if (!snapshot) return html`<p class="muted">Opening the run…</p>`;
    const { state, info, run } = snapshot;
    const status = STATUS[state.status];
    return html`<div class="run-title">
        <h1>${info?.name ?? run}</h1>
        <vscode-badge class="status status-${state.status}">${icon(status.icon)} ${status.text}</vscode-badge>
        ${this.renderCommands(snapshot)}
      </div>
      <vscode-progress-bar
        aria-label="Training progress"
        .value=${state.step}
        .max=${Math.max(1, state.total_steps)}
      ></vscode-progress-bar>
      ${this.renderFacts(snapshot)}
      ${state.error ? html`<p class="banner error" role="alert">${icon('error')} <span>${state.error}</span></p>` : nothing}`;
  }

  private renderCommands({ can }: DashboardSnapshot): TemplateResult {
    const { store } = this;
    return html`<div class="run-commands" role="group" aria-label="Run">
      ${commandButton('Stop', 'debug-stop', can.stop, () => store.command('stop'), 'Save a checkpoint and stop')}
      ${commandButton('Resume', 'debug-continue', can.resume, () => store.command('resume'), 'Go on from the last checkpoint')}
      ${commandButton('Merge', 'git-merge', can.merge, () => store.command('merge'), 'Merge the adapter into its base model')}
      ${commandButton('Open Folder', 'folder-opened', true, () => store.command('openFolder'))}
      ${commandButton('Log', 'output', true, () => store.command('openLog'))}
    </div>`;
  }

  private renderFacts({ state, info, etaSeconds, tokensPerSecond, rss, can }: DashboardSnapshot): TemplateResult {
    const known = <T>(value: T | null | undefined, text: (value: T) => string) =>
      value === null || value === undefined ? UNKNOWN : text(value);
    const trainable = info?.parameters.trainable;
    return html`<dl class="facts">
      ${fact('Step', `${formatCount(state.step)} / ${formatCount(state.total_steps)}`)}
      ${can.stop || etaSeconds !== null ? fact('Time left', known(etaSeconds, formatDuration)) : nothing}
      ${fact(
        'Tokens/s',
        known(tokensPerSecond, (v) => formatCount(v)),
      )}
      ${fact('Memory', known(rss, formatBytes))}
      ${state.best ? fact('Best eval loss', `${formatNumber(state.best.loss)} at step ${formatCount(state.best.step)}`) : nothing}
      ${trainable === undefined ? nothing : fact('Trainable', `${formatShort(trainable)} parameters`)}
      ${info ? fact('Device', `${info.device.provider}, ${info.device.threads} threads`) : nothing}
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
