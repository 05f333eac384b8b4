/** @file The rank of the delta weights while they are trained: means over layers, map of modules, singular values of one module. */
import './stepSlider';
import '../shared/plot/heatMap';
import '../shared/plot/linePlot';
import * as l10n from '@vscode/l10n';
import type { ReadonlySignal } from '@preact/signals-core';
import { html, nothing, type TemplateResult } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import type { RankMeasure, RankOf, RankTable } from '../protocol/dashboard';
import { icon } from '../shared/icon';
import { padded, xExtent } from '../shared/plot/extent';
import type { Cell } from '../shared/plot/heatMap';
import type { LineFigure, Range } from '../shared/plot/lineFigure';
import type { LegendEntry } from '../shared/plot/legend';
import { SignalElement } from '../shared/signalElement';
import type { Theme } from '../shared/theme';
import { RANK_MEASURES } from '../shared/curves/curveChoices';
import { runMarks } from './runMarks';
import { projectionsOf, RANK_OF, rankLines, rankMap, shortName, spectrumFigure, type RankMap } from './rankFigures';
import type { DashboardStore } from './store';

const NO_SPECTRA = l10n.t(
  'No spectra yet: the singular values of every adapted module are written at regular steps over the run.',
);

@customElement('as-rank-section')
export class RankSection extends SignalElement {
  @property({ attribute: false }) store!: DashboardStore;
  @property({ attribute: false }) theme!: ReadonlySignal<Theme>;

  /** Index into the recorded steps; null: always the newest. */
  @state() private stepIndex: number | null = null;
  /** Range of steps, for both line plots of this section. */
  @state() private zoom: Range | null = null;

  protected override render(): TemplateResult {
    const table = this.store.ranks.value;
    return html`<section aria-labelledby="rank-title">
      <h2 id="rank-title">
        ${this.isMatrixNamed ? l10n.t('Rank of the updates') : l10n.t('Rank of the delta weights')}
      </h2>
      ${
        table && table.steps.length > 0 && table.modules.length > 0
          ? [this.renderToolbar(table), this.renderPlots(table)]
          : html`<p class="plot-empty">${NO_SPECTRA}</p>`
      }
    </section>`;
  }

  /** Otherwise everything is of the delta weights, as the heading says. */
  private get isMatrixNamed(): boolean {
    return this.store.rankTables.value.some(({ of }) => of !== 'delta');
  }

  private renderMatrices(table: RankTable): TemplateResult | typeof nothing {
    const tables = this.store.rankTables.value;
    const { rankOf } = this.store.choices;
    if (tables.length < 2) return nothing;
    return html`<label class="control"
      >${l10n.t('Matrix')}
      <select @change=${(e: Event) => (rankOf.value = (e.target as HTMLSelectElement).value as RankOf)}>
        ${tables.map(({ of }) => html`<option value=${of} ?selected=${of === table.of}>${RANK_OF[of].choice}</option>`)}
      </select>
    </label>`;
  }

  private renderMatrixHelp(): TemplateResult | typeof nothing {
    if (!this.isMatrixNamed) return nothing;
    const whole = this.store.rankTables.value.find(({ of }) => of === 'delta');
    return html`<p class="muted matrix-help">
      ${l10n.t('The directional update is the low-rank product that turns the rows of the weight; it does not say how long they become. The delta weight W′ − W has both: once lengths change, it has full rank.')}
      ${
        whole
          ? l10n.t(
              'Its singular values take whole matrices, so they are recorded at fewer steps, and only where that is affordable: of {0} modules.',
              whole.modules.length,
            )
          : l10n.t('Its singular values would take whole matrices, which this run cannot afford.')
      }
    </p>`;
  }

  private renderToolbar(table: RankTable): TemplateResult {
    const { measure, detail } = this.store.choices;
    return html`<div class="toolbar" role="toolbar" aria-label=${l10n.t('Rank plots')}>
        ${this.renderMatrices(table)}
        <label class="control"
          >${l10n.t({ message: 'Measure', comment: 'which rank is shown' })}
          <select @change=${(e: Event) => (measure.value = (e.target as HTMLSelectElement).value as RankMeasure)}>
            ${Object.entries(RANK_MEASURES).map(
              ([key, { choice }]) => html`<option value=${key} ?selected=${key === measure.value}>${choice}</option>`,
            )}
          </select>
        </label>
        <label class="control"
          >${l10n.t('Single modules of')}
          <select @change=${(e: Event) => (detail.value = (e.target as HTMLSelectElement).value || null)}>
            <option value="" ?selected=${detail.value === null}>
              ${l10n.t({ message: 'none', comment: 'no module' })}
            </option>
            ${projectionsOf(table).map((p) => html`<option value=${p} ?selected=${p === detail.value}>${p}</option>`)}
          </select>
        </label>
        <label class="control"
          >${l10n.t('Module')}
          <select @change=${(e: Event) => this.chooseModule((e.target as HTMLSelectElement).value)}>
            ${table.modules.map(
              ({ name }) =>
                html`<option value=${name} ?selected=${name === this.store.module.value}>${shortName(name)}</option>`,
            )}
          </select>
        </label>
        <vscode-button
          secondary
          title=${l10n.t('All singular values of all modules')}
          @click=${() => this.store.saveCsv('spectra')}
          ><span slot="content-before">${icon('save')}</span>${l10n.t('Save CSV')}</vscode-button
        >
      </div>
      <p class="muted">${RANK_MEASURES[measure.value].help}</p>
      ${this.renderMatrixHelp()}`;
  }

  private renderPlots(table: RankTable): TemplateResult {
    const { store } = this;
    const { measure, detail, isLogSigma } = store.choices;
    const { marks: events = [], info = null } = store.snapshot.value ?? {};
    const { isMatrixNamed } = this;
    const look = { theme: this.theme.value, marks: runMarks('step', { marks: events, info }), isMatrixNamed };
    const choice = { detail: detail.value, module: store.module.value };
    const others = store.rankTables.value.filter(({ of }) => of !== table.of);
    const lines = rankLines(table, measure.value, choice, look);
    const spectrum = spectrumFigure(store.spectrum.value, isLogSigma.value, look);
    const logSwitch = html`<label class="control">
      <input
        type="checkbox"
        .checked=${isLogSigma.value}
        @change=${(e: Event) => (isLogSigma.value = (e.target as HTMLInputElement).checked)}
      />
      ${l10n.t({ message: 'Log', comment: 'logarithmic scale' })}
    </label>`;
    return html`<div class="plots">
      ${this.renderLines('rank', lines.figure, lines.legend, table)} ${this.renderMap(table)}
      ${others.map((other) => {
        const { figure, legend } = rankLines(other, measure.value, choice, look);
        return this.renderLines(`rank-${other.of}`, figure, legend, table);
      })}
      ${this.renderLines('spectrum', spectrum, [], table, logSwitch)}
    </div>`;
  }

  private renderLines(
    id: string,
    figure: LineFigure,
    legend: readonly LegendEntry[],
    table: RankTable,
    controls: TemplateResult | typeof nothing = nothing,
  ): TemplateResult {
    const { store } = this;
    return html`<as-line-plot
      class=${id === 'spectrum' && this.store.rankTables.value.length < 2 ? 'plot-wide' : 'plot-half'}
      data-plot=${id}
      .figure=${figure}
      .theme=${this.theme}
      .xRange=${this.zoom ?? padded(xExtent([{ x: table.steps }]) ?? [0, 1])}
      .legendEntries=${legend}
      .controls=${controls}
      .height=${240}
      .onZoom=${(range: Range | null) => this.zoomTo(range, table)}
      .onPicture=${store.savePicture.bind(store)}
      .onFailure=${store.plotFailed.bind(store)}
    ></as-line-plot>`;
  }

  private renderMap(table: RankTable): TemplateResult {
    const { store } = this;
    const index = Math.min(this.stepIndex ?? Infinity, table.steps.length - 1);
    const map = rankMap(table, store.choices.measure.value, index, this.isMatrixNamed);
    return html`<div class="rank-map plot-half">
      <as-heat-map
        data-plot="rank-map"
        .figure=${map.figure}
        .theme=${this.theme}
        .chosen=${cellOf(map, store.module.value)}
        .onChoose=${({ row, column }: Cell) => this.chooseModule(map.modules[row]?.[column] ?? null)}
        .onPicture=${store.savePicture.bind(store)}
        .onFailure=${store.plotFailed.bind(store)}
      ></as-heat-map>
      <as-step-slider
        .steps=${table.steps}
        .index=${index}
        .onIndex=${(next: number) => (this.stepIndex = next === table.steps.length - 1 ? null : next)}
      ></as-step-slider>
    </div>`;
  }

  private chooseModule(name: string | null): void {
    if (name !== null) this.store.choices.module.value = name;
  }

  private zoomTo(range: Range | null, table: RankTable): void {
    const [low, high] = padded(xExtent([{ x: table.steps }]) ?? [0, 1]);
    const next: Range = [Math.max(low, range?.[0] ?? low), Math.min(high, range?.[1] ?? high)];
    this.zoom = next[1] <= next[0] || (next[0] <= low && next[1] >= high) ? null : next;
  }
}

function cellOf(map: RankMap, module: string | null): Cell | undefined {
  const row = map.modules.findIndex((names) => module !== null && names.includes(module));
  return row < 0 ? undefined : { row, column: map.modules[row]!.indexOf(module) };
}
