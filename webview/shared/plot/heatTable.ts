/** @file The table behind a heat map. */
import * as l10n from '@vscode/l10n';
import { html, type TemplateResult } from 'lit';
import { formatNumber } from '../format';
import type { HeatFigure } from './heatDrawing';

export function heatTable(figure: HeatFigure): TemplateResult {
  return html`<div class="table-scroll" tabindex="0" role="region" aria-label=${l10n.t('{0}, table', figure.title)}>
    <table>
      <caption>
        ${figure.title}
      </caption>
      <thead>
        <tr>
          <th scope="col">${figure.rowLabel}</th>
          ${figure.columns.map((name) => html`<th scope="col">${figure.columnLabel} ${name}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${figure.rows.map(
          (name, row) =>
            html`<tr>
              <th scope="row">${name}</th>
              ${figure.values[row]?.map((value) => html`<td>${value === null ? '' : formatNumber(value)}</td>`)}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}
