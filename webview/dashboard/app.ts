/** @file The run dashboard as a whole. */
import '../shared/curves/plotToolbar';
import '../shared/failureBar';
import './activitySection';
import './eventList';
import './metricPlots';
import './rankSection';
import './runHeader';
import './sampleSection';
import * as l10n from '@vscode/l10n';
import type { ReadonlySignal } from '@preact/signals-core';
import { html, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import { SignalElement } from '../shared/signalElement';
import type { Theme } from '../shared/theme';
import type { DashboardStore } from './store';

@customElement('as-dashboard')
export class Dashboard extends SignalElement {
  @property({ attribute: false }) store!: DashboardStore;
  @property({ attribute: false }) theme!: ReadonlySignal<Theme>;

  protected override render(): TemplateResult {
    const { store, theme } = this;
    return html`<as-failure-bar .failures=${store.failures}></as-failure-bar>
      <header><as-run-header .store=${store}></as-run-header></header>
      <main>
        <section aria-labelledby="training-title">
          <h2 id="training-title" class="visually-hidden">${l10n.t('Training')}</h2>
          <as-plot-toolbar .store=${store} .onSaveCsv=${() => store.saveCsv('metrics')}></as-plot-toolbar>
          <as-metric-plots .store=${store} .theme=${theme}></as-metric-plots>
        </section>
        <as-activity-section .store=${store} .theme=${theme}></as-activity-section>
        <as-rank-section .store=${store} .theme=${theme}></as-rank-section>
        <as-sample-section .store=${store}></as-sample-section>
        <as-event-list .store=${store}></as-event-list>
      </main>`;
  }
}
