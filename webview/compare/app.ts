/** @file The comparison of runs as a whole: how they did, their curves over each other, in what their configurations differ. */
import '../shared/curves/plotToolbar';
import '../shared/failureBar';
import './comparePlots';
import * as l10n from '@vscode/l10n';
import type { ReadonlySignal } from '@preact/signals-core';
import { html, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import type { ComparisonSnapshot } from '../protocol/compare';
import { SignalElement } from '../shared/signalElement';
import type { Theme } from '../shared/theme';
import { configTable } from './configTable';
import { configRows } from './differences';
import { runLegend } from './figures';
import { runNames } from './runNames';
import { summaryTable } from './summaryTable';
import type { CompareStore } from './store';

@customElement('as-comparison')
export class Comparison extends SignalElement {
  @property({ attribute: false }) store!: CompareStore;
  @property({ attribute: false }) theme!: ReadonlySignal<Theme>;

  protected override render(): TemplateResult {
    const { store, theme } = this;
    const snapshot = store.snapshot.value;
    return html`<as-failure-bar .failures=${store.failures}></as-failure-bar>
      <header class="compare-head">
        <h1>${l10n.t('Comparison of runs')}</h1>
        ${snapshot ? this.renderSummary(snapshot) : html`<p class="muted">${l10n.t('Opening the runs…')}</p>`}
      </header>
      <main>
        <section aria-labelledby="curves-title">
          <h2 id="curves-title" class="visually-hidden">${l10n.t('Curves')}</h2>
          <as-plot-toolbar .store=${store}></as-plot-toolbar>
          <as-compare-plots .store=${store} .theme=${theme}></as-compare-plots>
        </section>
        ${snapshot ? this.renderConfigurations(snapshot) : ''}
      </main>`;
  }

  private renderSummary({ runs }: ComparisonSnapshot): TemplateResult {
    const context = { names: runNames(runs), theme: this.theme.value, isLogY: false };
    return summaryTable(runs, runLegend(context), (folder) => this.store.openRun(folder));
  }

  private renderConfigurations({ runs }: ComparisonSnapshot): TemplateResult {
    const { areAllKeysShown } = this.store.choices;
    const rows = configRows(runs.map(({ info }) => info?.config));
    const count = rows.filter(({ isDifferent }) => isDifferent).length;
    return html`<section class="configurations" aria-labelledby="config-title">
      <div class="section-head">
        <h2 id="config-title">${l10n.t('Configurations')}</h2>
        <span class="muted">${l10n.t('{0} of {1} keys differ', count, rows.length)}</span>
        <label class="control"
          ><input
            type="checkbox"
            .checked=${areAllKeysShown.value}
            @change=${(e: Event) => (areAllKeysShown.value = (e.target as HTMLInputElement).checked)}
          />
          ${l10n.t('Show all keys')}
        </label>
      </div>
      ${configTable(rows, runNames(runs), areAllKeysShown.value)}
    </section>`;
  }
}
