/** @file The data as the run will read it: samples, steps, tokens, and the batch shapes that are compiled. */
import * as l10n from '@vscode/l10n';
import { html, nothing, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import type { DataEstimate, EstimateReport, ShapeUse } from '../../kernels/protocol/calls/estimate';
import { formatCount, formatNumber, formatShare } from '../shared/format';
import { SignalElement } from '../shared/signalElement';
import { fact } from './fact';
import type { EstimateStore } from './store';
import { shapeText } from './texts';

/** More are folded away. */
const SHAPES_AT_FIRST = 8;

@customElement('as-data-section')
export class DataSection extends SignalElement {
  @property({ attribute: false }) report!: EstimateReport;
  @property({ attribute: false }) store!: EstimateStore;

  protected override render(): TemplateResult {
    const { data } = this.report;
    const { shapes } = data;
    return html`<section aria-labelledby="data-title">
        <h2 id="data-title">${l10n.t('Data')}</h2>
        <dl class="facts">
          ${fact(l10n.t('Samples'), l10n.t('{0} ({1})', formatCount(data.samples), data.format))}
          ${data.evaluationSamples > 0 ? fact(l10n.t('For evaluation'), formatCount(data.evaluationSamples)) : nothing}
          ${fact(l10n.t('Steps'), l10n.t('{0}, {1} per epoch', formatCount(data.totalSteps), formatCount(data.stepsPerEpoch)))}
          ${fact(l10n.t('Epochs'), formatNumber(Number(data.epochs.toPrecision(3))))}
          ${fact(l10n.t('Tokens per step'), l10n.t('{0} on average, {1} at most', formatCount(data.tokensPerStep.mean), formatCount(data.tokensPerStep.max)))}
          ${fact(data.learnt === 'labels' ? l10n.t('Labels') : l10n.t('With loss'), l10n.t('{0} per step', formatCount(data.supervisedPerStep)))}
          ${fact(l10n.t('Padding'), formatShare(data.padding))}
          ${fact(l10n.t('Longest sample'), this.renderLongest(data))}
          ${data.evaluations > 0 ? fact(l10n.t('Evaluations'), formatCount(data.evaluations)) : nothing}
        </dl>
        ${this.renderLosses(data)}
      </section>
      <section aria-labelledby="graphs-title">
        <h2 id="graphs-title">${l10n.t('Graphs')}</h2>
        <p class="muted">
          ${l10n.t('{0} shapes of batches, each a graph of its own; compiled {1} times in all.', formatCount(shapes.length), formatCount(data.compilations))}
        </p>
        ${this.renderShapes(shapes.slice(0, SHAPES_AT_FIRST))}
        ${
          shapes.length > SHAPES_AT_FIRST
            ? html`<details>
                <summary>${l10n.t('{0} more', formatCount(shapes.length - SHAPES_AT_FIRST))}</summary>
                ${this.renderShapes(shapes.slice(SHAPES_AT_FIRST))}
              </details>`
            : nothing
        }
      </section>`;
  }

  private renderLongest({ longest }: DataEstimate): TemplateResult {
    const name = longest.file.split(/[\\/]/).at(-1) ?? longest.file;
    return html`${l10n.t('{0} tokens', formatCount(longest.tokens))}
      <button type="button" class="link" @click=${() => this.store.openFile(longest.file, longest.line)}>
        ${name}:${longest.line}
      </button>`;
  }

  private renderLosses({ skipped, cut }: DataEstimate): TemplateResult | typeof nothing {
    const lines = [
      ...Object.entries(skipped).map(([reason, count]) => l10n.t('{0} skipped: {1}', formatCount(count), reason)),
      ...(cut > 0 ? [l10n.t('{0} cut at max_length', formatCount(cut))] : []),
    ];
    if (lines.length === 0) return nothing;
    return html`<ul class="notes">
      ${lines.map((line) => html`<li>${line}</li>`)}
    </ul>`;
  }

  private renderShapes(shapes: readonly ShapeUse[]): TemplateResult {
    const measured = this.report.measurement?.shapes ?? [];
    // Of texts with labels each carries loss once, which says nothing about a shape.
    const isToken = this.report.data.learnt === 'tokens';
    const secondsOf = (shape: ShapeUse): number | undefined => measured.find((m) => isSame(m, shape))?.seconds;
    return html`<div class="table-scroll">
      <table class="shapes">
        <caption class="visually-hidden">
          ${l10n.t('Shapes of batches')}
        </caption>
        <thead>
          <tr>
            <th scope="col">${l10n.t('Batch')}</th>
            <th scope="col">${l10n.t('Used for')}</th>
            ${isToken ? html`<th scope="col" class="number">${l10n.t('With loss')}</th>` : nothing}
            <th scope="col" class="number">${l10n.t('Batches')}</th>
            ${measured.length > 0 ? html`<th scope="col" class="number">${l10n.t('Seconds each')}</th>` : nothing}
          </tr>
        </thead>
        <tbody>
          ${shapes.map((shape) => {
            const seconds = secondsOf(shape);
            return html`<tr>
              <th scope="row">${shapeText(shape)}</th>
              <td>${shape.kind === 'train' ? l10n.t('training') : l10n.t('evaluation')}</td>
              ${isToken ? html`<td class="number">${formatCount(shape.rows)}</td>` : nothing}
              <td class="number">${formatCount(shape.batches)}</td>
              ${measured.length > 0 ? html`<td class="number">${seconds === undefined ? '' : formatNumber(Number(seconds.toPrecision(3)))}</td>` : nothing}
            </tr>`;
          })}
        </tbody>
      </table>
    </div>`;
  }
}

const isSame = (a: ShapeUse, b: ShapeUse): boolean =>
  a.kind === b.kind && a.batch === b.batch && a.length === b.length && a.rows === b.rows;
