/** @file The plots of the comparison side by side; they share the range of x. */
import '../shared/plot/linePlot';
import type { ReadonlySignal } from '@preact/signals-core';
import * as l10n from '@vscode/l10n';
import { html, nothing, type TemplateResult } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { repeat } from 'lit/directives/repeat.js';
import type { RankMeasure } from '../protocol/dashboard';
import { RANK_MEASURES } from '../shared/curves/curveChoices';
import { PlotGrid } from '../shared/curves/plotGrid';
import { padded, xExtent } from '../shared/plot/extent';
import type { Range } from '../shared/plot/lineFigure';
import type { Theme } from '../shared/theme';
import { compareFigures, rankFigure, type CompareFigure } from './figures';
import { runNames } from './runNames';
import type { CompareStore } from './store';

@customElement('as-compare-plots')
export class ComparePlots extends PlotGrid<CompareStore> {
  @property({ attribute: false }) theme!: ReadonlySignal<Theme>;

  /** Spectra have steps only, so their plot does not follow the others' axis. */
  @state() private rankZoom: Range | null = null;

  protected override render(): TemplateResult {
    const { store } = this;
    const { isLogY, measure } = store.choices;
    const names = runNames(store.snapshot.value?.runs ?? []);
    const context = { names, theme: this.theme.value, isLogY: isLogY.value };
    const rank = rankFigure(store.ranks.value, measure.value, context);
    const all = padded(xExtent(rank.figure.curves) ?? [0, 1]);
    return html`<div class="plots">
      ${repeat(
        compareFigures(store.shown.value, context),
        ({ id }) => id,
        (figure) => this.renderPlot(figure, store.xRange.value, store.zoomTo.bind(store)),
      )}
      ${this.renderPlot(rank, this.rankZoom ?? all, (range) => this.zoomRank(range, all), this.renderMeasure())}
    </div>`;
  }

  private renderMeasure(): TemplateResult {
    const { measure } = this.store.choices;
    return html`<label class="control"
      >${l10n.t({ message: 'Measure', comment: 'which rank is shown' })}
      <select @change=${(e: Event) => (measure.value = (e.target as HTMLSelectElement).value as RankMeasure)}>
        ${Object.entries(RANK_MEASURES).map(
          ([key, { choice }]) => html`<option value=${key} ?selected=${key === measure.value}>${choice}</option>`,
        )}
      </select>
    </label>`;
  }

  private zoomRank(range: Range | null, [low, high]: Range): void {
    const next: Range = [Math.max(low, range?.[0] ?? low), Math.min(high, range?.[1] ?? high)];
    this.rankZoom = next[1] <= next[0] || (next[0] <= low && next[1] >= high) ? null : next;
  }

  private renderPlot(
    { id, figure, legend }: CompareFigure,
    range: Range,
    onZoom: (range: Range | null) => void,
    controls: TemplateResult | typeof nothing = nothing,
  ): TemplateResult {
    const { store } = this;
    return html`<as-line-plot
      class=${id === 'loss' || id === 'rank' ? 'plot-wide' : ''}
      data-plot=${id}
      .figure=${figure}
      .theme=${this.theme}
      .xRange=${range}
      .legendEntries=${legend}
      .controls=${controls}
      .height=${id === 'loss' ? 300 : 220}
      .onZoom=${onZoom}
      .onPicture=${store.savePicture.bind(store)}
      .onFailure=${store.plotFailed.bind(store)}
    ></as-line-plot>`;
  }
}
