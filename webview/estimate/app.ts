/** @file The estimate of a configuration as a whole. */
import '../shared/failureBar';
import './dataSection';
import './estimateHead';
import './memorySection';
import './timeSection';
import * as l10n from '@vscode/l10n';
import { html, nothing, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import type { EstimateReport } from '../../kernels/protocol/calls/estimate';
import { SignalElement } from '../shared/signalElement';
import type { EstimateStore } from './store';
import { diskSection } from './diskSection';
import { gapText } from './texts';

@customElement('as-estimate')
export class Estimate extends SignalElement {
  @property({ attribute: false }) store!: EstimateStore;

  protected override render(): TemplateResult {
    const { store } = this;
    const snapshot = store.snapshot.value;
    return html`<as-failure-bar .failures=${store.failures}></as-failure-bar>
      <header><as-estimate-head .store=${store}></as-estimate-head></header>
      <main>${snapshot?.report ? this.renderReport(snapshot.report, snapshot.failure !== null) : nothing}</main>`;
  }

  private renderReport(report: EstimateReport, isOutdated: boolean): TemplateResult {
    const { store } = this;
    return html`<div class="report ${isOutdated ? 'is-outdated' : ''}">
      <as-memory-section .report=${report}></as-memory-section>
      <as-time-section .report=${report}></as-time-section>
      ${diskSection(report.disk)}
      <as-data-section .report=${report} .store=${store}></as-data-section>
      ${notes(l10n.t('Not known'), report.unknown.map(gapText))} ${notes(l10n.t('Notes'), report.warnings)}
    </div>`;
  }
}

function notes(title: string, texts: readonly string[]): TemplateResult | typeof nothing {
  if (texts.length === 0) return nothing;
  return html`<section>
    <h2>${title}</h2>
    <ul class="notes">
      ${texts.map((text) => html`<li>${text}</li>`)}
    </ul>
  </section>`;
}
