/** @file Memory by part: a bar of the parts, how much of what is free they take, and the same numbers as a table. */
import * as l10n from '@vscode/l10n';
import { html, nothing, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import { styleMap } from 'lit/directives/style-map.js';
import type { EstimateReport, MemoryParts } from '../../kernels/protocol/calls/estimate';
import { formatBytes, formatShare } from '../shared/format';
import { SignalElement } from '../shared/signalElement';
import { partTexts } from './texts';

interface Part {
  readonly id: keyof MemoryParts;
  readonly name: string;
  readonly help: string;
  readonly bytes: number;
}

@customElement('as-memory-section')
export class MemorySection extends SignalElement {
  @property({ attribute: false }) report!: EstimateReport;

  protected override render(): TemplateResult {
    const { memory, machine, measurement } = this.report;
    const parts = partsOf(memory.parts);
    const own = parts.filter(({ id }) => id !== 'mappings');
    const twice = parts.find(({ id }) => id === 'mappings');
    return html`<section aria-labelledby="memory-title">
      <h2 id="memory-title">${l10n.t('Memory')}</h2>
      ${this.renderBar(own)}
      <div class="table-scroll">
        <table class="parts">
          <caption class="visually-hidden">
            ${l10n.t('Memory by part')}
          </caption>
          <tbody>
            ${own.map((part) => this.renderRow(part))}
            <tr class="sum">
              <th scope="row">${l10n.t('Needed')}</th>
              <td class="number">${formatBytes(memory.neededBytes)}</td>
              <td>${l10n.t('{0} of it can be dropped and read again.', formatBytes(memory.droppableBytes))}</td>
            </tr>
            ${twice ? this.renderRow(twice) : nothing}
            ${
              twice
                ? html`<tr class="sum">
                    <th scope="row">${l10n.t('Peak that system tools show')}</th>
                    <td class="number">${formatBytes(memory.peakBytes)}</td>
                    <td></td>
                  </tr>`
                : nothing
            }
            ${
              measurement?.peakBytes === undefined
                ? nothing
                : html`<tr>
                    <th scope="row">${l10n.t('Measured peak')}</th>
                    <td class="number">${formatBytes(measurement.peakBytes)}</td>
                    <td>${l10n.t('Of the measuring process, which holds only the graphs that it measures.')}</td>
                  </tr>`
            }
            ${
              memory.deviceBytes === undefined
                ? nothing
                : html`<tr>
                    <th scope="row">${l10n.t('On the GPU')}</th>
                    <td class="number">${formatBytes(memory.deviceBytes)}</td>
                    <td>${l10n.t('Weights, activations and workspace, without what the driver adds.')}</td>
                  </tr>`
            }
          </tbody>
        </table>
      </div>
      <p class="muted">
        ${machine.limitBytes === undefined ? l10n.t('This machine has {0}, {1} of them free.', formatBytes(machine.totalBytes), formatBytes(machine.freeBytes)) : l10n.t('This machine has {0}; a limit of {1} applies, {2} of it free.', formatBytes(machine.totalBytes), formatBytes(machine.limitBytes), formatBytes(machine.freeBytes))}
      </p>
    </section>`;
  }

  private renderBar(parts: readonly Part[]): TemplateResult {
    const { memory, machine } = this.report;
    const { neededBytes: needed } = memory;
    const { freeBytes: free } = machine;
    // As wide as the larger of the two, with a mark where the smaller one ends.
    const whole = Math.max(needed, free);
    const percent = (bytes: number, of: number) => `${(100 * bytes) / of}%`;
    const label = l10n.t('{0} needed, {1} free', formatBytes(needed), formatBytes(free));
    return html`<div class="bar" role="img" aria-label=${l10n.t('Share of each part; the table has the numbers')}>
        ${parts.map(
          ({ id, name, bytes }) =>
            html`<span
              class="segment part-${id}"
              title="${name}: ${formatBytes(bytes)}"
              style=${styleMap({ width: percent(bytes, needed) })}
            ></span>`,
        )}
      </div>
      <div class="gauge-line">
        <div class="gauge" role="img" aria-label=${label}>
          <span class="used" style=${styleMap({ width: percent(Math.min(needed, free), whole) })}></span>
          ${needed > free ? html`<span class="over" style=${styleMap({ width: percent(needed - free, whole) })}></span>` : nothing}
        </div>
        <span class="number">${label}</span>
      </div>`;
  }

  private renderRow({ id, name, help, bytes }: Part): TemplateResult {
    const share = bytes / this.report.memory.neededBytes;
    return html`<tr>
      <th scope="row"><span class="swatch part-${id}" aria-hidden="true"></span>${name}</th>
      <td class="number">
        ${formatBytes(bytes)}${id === 'mappings' ? nothing : html` <span class="muted">${formatShare(share)}</span>`}
      </td>
      <td class="muted">${help}</td>
    </tr>`;
  }
}

/** In the order of the texts; what there is none of is left out. */
function partsOf(memory: MemoryParts): readonly Part[] {
  return Object.entries(partTexts()).flatMap(([key, texts]) => {
    const id = key as keyof MemoryParts;
    return memory[id] > 0 ? [{ id, bytes: memory[id], ...texts }] : [];
  });
}
