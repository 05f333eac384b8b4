/** @file One tensor: statistics, histogram and heat map. A large one is read only when asked for. */
import './matrixMap';
import '../shared/plot/linePlot';
import '@vscode-elements/elements/dist/vscode-button/index.js';
import '@vscode-elements/elements/dist/vscode-progress-bar/index.js';
import type { ReadonlySignal } from '@preact/signals-core';
import * as l10n from '@vscode/l10n';
import { html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import type { TensorEntry, TensorFacts } from '../../kernels/protocol/calls/inspect';
import { formatBytes, formatCount, formatNumber, formatShare, UNKNOWN } from '../shared/format';
import { icon } from '../shared/icon';
import { padded } from '../shared/plot/extent';
import type { Range } from '../shared/plot/lineFigure';
import { SignalElement } from '../shared/signalElement';
import type { Theme } from '../shared/theme';
import { matrixShape } from './moduleDetail';
import { histogramFigure } from './moduleFigures';
import type { InspectorStore } from './store';

/** Read without being asked: done before anyone could press a button. */
const SMALL_BYTES = 32_000_000;
/** Types that are no plain numbers: the engine refuses them, so that is said at once. */
const NO_NUMBERS: readonly string[] = ['F4', 'F6_E2M3', 'F6_E3M2', 'C64'];

@customElement('as-tensor-detail')
export class TensorDetail extends SignalElement {
  @property({ attribute: false }) store!: InspectorStore;
  @property({ attribute: false }) theme!: ReadonlySignal<Theme>;

  /** The large tensor whose heat map was asked for. */
  @state() private mapped: string | null = null;
  @state() private zoom: Range | null = null;
  /** What was read last without being asked, so that a failure or a cancelling is not tried again. */
  private begun = '';

  protected override render(): TemplateResult {
    const tensor = this.store.tensor.value;
    if (!tensor) return html``;
    const { name, dtype, shape, bytes } = tensor;
    const about = `${dtype} [${shape.join(', ')}], ${formatBytes(bytes)}`;
    return html`<section aria-labelledby="tensor-title">
      <h2 id="tensor-title" class="tensor-title">${name}</h2>
      <p class="muted">${about}</p>
      ${
        NO_NUMBERS.includes(dtype)
          ? html`<p class="plot-empty">
              ${l10n.t('Values of type {0} are not plain numbers and are not shown.', dtype)}
            </p>`
          : [this.renderFacts(tensor), this.renderMap(tensor)]
      }
    </section>`;
  }

  protected override updated(changed: PropertyValues<this>): void {
    super.updated(changed);
    const tensor = this.store.tensor.peek();
    if (!tensor) return;
    const key = `${tensor.name} ${this.store.snapshot.peek()?.revision}`;
    if (this.begun === key || tensor.bytes > SMALL_BYTES || NO_NUMBERS.includes(tensor.dtype)) return;
    this.begun = key;
    this.zoom = null;
    if (!this.store.facts.peek().has(tensor.name)) void this.store.readFacts(tensor.name);
  }

  private renderFacts(tensor: TensorEntry): TemplateResult {
    const { store } = this;
    const reading = store.reading.value;
    const facts = store.facts.value.get(tensor.name);
    if (facts) return html`${factList(facts)} ${this.renderHistogram(facts)}`;
    if (reading?.tensor === tensor.name) {
      return html`<div class="reading" role="status">
        <vscode-progress-bar
          aria-label=${l10n.t('Reading {0}', tensor.name)}
          .value=${Math.round(reading.fraction * 100)}
        ></vscode-progress-bar>
        <span>${l10n.t('Reading {0}', formatShare(reading.fraction))}</span>
        <vscode-button secondary @click=${reading.cancel}>${l10n.t('Cancel')}</vscode-button>
      </div>`;
    }
    return html`<div class="reading">
      <vscode-button @click=${() => void store.readFacts(tensor.name)}
        ><span slot="content-before">${icon('graph')}</span>${l10n.t('Statistics')}</vscode-button
      >
      <span class="muted">${l10n.t('Reads all {0}.', formatBytes(tensor.bytes))}</span>
    </div>`;
  }

  private renderHistogram(facts: TensorFacts): TemplateResult | typeof nothing {
    const { histogram } = facts;
    if (!histogram) return nothing;
    const { store } = this;
    const { isLogCounts } = store.choices;
    const everything = padded([histogram.low, histogram.high], 0.03);
    return html`<as-line-plot
      data-plot="histogram"
      .figure=${histogramFigure(facts, isLogCounts.value, this.theme.value)}
      .theme=${this.theme}
      .xRange=${this.zoom ?? everything}
      .controls=${html`<label class="control">
        <input
          type="checkbox"
          .checked=${isLogCounts.value}
          @change=${(e: Event) => (isLogCounts.value = (e.target as HTMLInputElement).checked)}
        />
        ${l10n.t('Log')}
      </label>`}
      .height=${200}
      .onZoom=${(range: Range | null) => (this.zoom = range)}
      .onPicture=${store.savePicture.bind(store)}
      .onFailure=${store.plotFailed.bind(store)}
    ></as-line-plot>`;
  }

  private renderMap(tensor: TensorEntry): TemplateResult {
    const [rows, cols] = matrixShape(tensor);
    if (rows * cols === 0) return html`<p class="plot-empty">${l10n.t('This tensor has no values.')}</p>`;
    if (tensor.bytes > SMALL_BYTES && this.mapped !== tensor.name) {
      return html`<div class="reading">
        <vscode-button secondary @click=${() => (this.mapped = tensor.name)}
          ><span slot="content-before">${icon('symbol-array')}</span>${l10n.t('Heat Map')}</vscode-button
        >
        <span class="muted"
          >${l10n.t('Reads all {0} for the overview, then only what is zoomed to.', formatBytes(tensor.bytes))}</span
        >
      </div>`;
    }
    return html`<as-matrix-map
      data-plot="matrix"
      .store=${this.store}
      .theme=${this.theme}
      .name=${l10n.t('Values')}
      .of=${{ tensor: tensor.name }}
      .shape=${[rows, cols] as const}
    ></as-matrix-map>`;
  }
}

function factList(facts: TensorFacts): TemplateResult {
  const number = (value: number | null) => (value === null ? UNKNOWN : formatNumber(value));
  const shown: readonly (readonly [string, string])[] = [
    [l10n.t('Minimum'), number(facts.min)],
    [l10n.t('Maximum'), number(facts.max)],
    [l10n.t('Mean'), number(facts.mean)],
    [l10n.t('Standard deviation'), number(facts.std)],
    [l10n.t('Norm'), number(facts.norm)],
    [l10n.t('Values'), formatCount(facts.count)],
    [l10n.t('Zeros'), formatCount(facts.zeros)],
    [l10n.t('NaN'), formatCount(facts.nan)],
    [l10n.t('Infinite'), formatCount(facts.infinite)],
  ];
  return html`<dl class="facts">
    ${shown.map(
      ([term, value]) =>
        html`<div>
          <dt>${term}</dt>
          <dd>${value}</dd>
        </div>`,
    )}
  </dl>`;
}
