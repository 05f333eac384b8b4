/** @file The metric plots side by side; they share the range of x. */
import '../shared/plot/linePlot';
import { html, type TemplateResult } from 'lit';
import type { ReadonlySignal } from '@preact/signals-core';
import { customElement, property } from 'lit/decorators.js';
import { repeat } from 'lit/directives/repeat.js';
import { PlotGrid } from '../shared/curves/plotGrid';
import type { Theme } from '../shared/theme';
import { metricFigures, type MetricFigure } from './metricFigures';
import type { DashboardStore } from './store';

@customElement('as-metric-plots')
export class MetricPlots extends PlotGrid<DashboardStore> {
  @property({ attribute: false }) theme!: ReadonlySignal<Theme>;

  protected override render(): TemplateResult {
    const { store } = this;
    const snapshot = store.snapshot.value;
    const figures = metricFigures(store.shown.value, {
      theme: this.theme.value,
      isLogY: store.choices.isLogY.value,
      marks: snapshot?.marks ?? [],
      info: snapshot?.info ?? null,
      isOver: snapshot !== null && ['stopped', 'finished', 'failed'].includes(snapshot.state.status),
    });
    return html`<div class="plots">
      ${repeat(
        figures,
        ({ id }) => id,
        (figure) => this.renderPlot(figure),
      )}
    </div>`;
  }

  private renderPlot({ id, figure, legend }: MetricFigure): TemplateResult {
    const { store } = this;
    return html`<as-line-plot
      class=${['loss', 'eval-metrics'].includes(id) ? 'plot-wide' : ''}
      data-plot=${id}
      .figure=${figure}
      .theme=${this.theme}
      .xRange=${store.xRange.value}
      .legendEntries=${legend}
      .height=${id === 'loss' ? 300 : 220}
      .onZoom=${store.zoomTo.bind(store)}
      .onPicture=${store.savePicture.bind(store)}
      .onFailure=${store.plotFailed.bind(store)}
    ></as-line-plot>`;
  }
}
