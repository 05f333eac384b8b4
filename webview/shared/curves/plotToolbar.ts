/** @file What holds for all metric plots together: x axis, log scale, smoothing, zoom, CSV. */
import '@vscode-elements/elements/dist/vscode-button/index.js';
import * as l10n from '@vscode/l10n';
import { html, nothing, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import type { XAxis } from '../../protocol/dashboard';
import { icon } from '../icon';
import { SignalElement } from '../signalElement';
import { MAX_SMOOTHING, X_AXES } from './curveChoices';
import type { CurveStore } from './curveStore';

@customElement('as-plot-toolbar')
export class PlotToolbar extends SignalElement {
  @property({ attribute: false }) store!: CurveStore;
  /** Absent: no button. */
  @property({ attribute: false }) onSaveCsv: (() => void) | undefined;

  protected override render(): TemplateResult {
    const { choices, zoom } = this.store;
    return html`<div class="toolbar" role="toolbar" aria-label=${l10n.t('Plots')}>
      <label class="control"
        >${l10n.t('X axis')}
        <select @change=${(e: Event) => this.store.setXAxis((e.target as HTMLSelectElement).value as XAxis)}>
          ${Object.entries(X_AXES).map(
            ([axis, { choice }]) =>
              html`<option value=${axis} ?selected=${axis === choices.xAxis.value}>${choice}</option>`,
          )}
        </select>
      </label>
      <label class="control" title=${l10n.t('Logarithmic scale for loss, learning rate and gradient norm')}>
        <input
          type="checkbox"
          .checked=${choices.isLogY.value}
          @change=${(e: Event) => (choices.isLogY.value = (e.target as HTMLInputElement).checked)}
        />
        ${l10n.t('Log y')}
      </label>
      <label class="control"
        >${l10n.t('Smoothing')}
        <input
          type="range"
          min="0"
          max=${MAX_SMOOTHING}
          step="0.01"
          .value=${String(choices.smoothing.value)}
          @input=${(e: Event) => (choices.smoothing.value = Number((e.target as HTMLInputElement).value))}
        />
        <output class="number">${choices.smoothing.value.toFixed(2)}</output>
      </label>
      <span class="control" role="group" aria-label=${l10n.t('Zoom')}>
        ${this.iconButton('zoom-in', l10n.t('Zoom in'), () => this.store.zoomBy(0.5), false)}
        ${this.iconButton('zoom-out', l10n.t('Zoom out'), () => this.store.zoomBy(2), zoom.value === null)}
        <vscode-button
          secondary
          ?disabled=${zoom.value === null}
          aria-disabled=${zoom.value === null}
          title=${l10n.t('Show the whole run in all plots')}
          @click=${() => this.resetZoom()}
          >${l10n.t('Reset Zoom')}</vscode-button
        >
      </span>
      ${
        this.onSaveCsv
          ? html`<vscode-button secondary title=${l10n.t('Every point of every curve')} @click=${this.onSaveCsv}
              ><span slot="content-before">${icon('save')}</span>${l10n.t('Save CSV')}</vscode-button
            >`
          : nothing
      }
    </div>`;
  }

  private iconButton(name: string, label: string, run: () => void, isDisabled: boolean): TemplateResult {
    return html`<button
      type="button"
      class="icon-button"
      aria-label=${label}
      title=${label}
      ?disabled=${isDisabled}
      @click=${run}
    >
      ${icon(name)}
    </button>`;
  }

  private resetZoom(): void {
    this.store.zoomTo(null);
  }
}
