/** @file The table behind a heat map of a matrix: the same part of it, in cells few enough to be read. */
import * as l10n from '@vscode/l10n';
import { html, type TemplateResult } from 'lit';
import type { Tile } from '../../kernels/protocol/calls/inspect';
import { formatNumber } from '../shared/format';
import { cellPart } from './matrixWindow';

/** More are not read by anybody; zooming in shows the others. */
export const TABLE_CELLS = { height: 32, width: 16 } as const;

export function matrixTable(title: string, tile: Tile): TemplateResult {
  const heading = (part: readonly [number, number], count: number, index: number) => {
    const [from, to] = cellPart(part, count, index);
    return to - from === 1 ? String(from) : `${from}–${to - 1}`;
  };
  const indices = (count: number) => Array.from({ length: count }, (_, i) => i);
  return html`<div class="table-scroll" tabindex="0" role="region" aria-label=${l10n.t('{0}, table', title)}>
    <table>
      <caption>
        ${title}
      </caption>
      <thead>
        <tr>
          <th scope="col">${l10n.t('row')}</th>
          ${indices(tile.width).map((col) => html`<th scope="col">${heading(tile.cols, tile.width, col)}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${indices(tile.height).map(
          (row) =>
            html`<tr>
              <th scope="row">${heading(tile.rows, tile.height, row)}</th>
              ${indices(tile.width).map(
                (col) => html`<td>${formatNumber(tile.values[row * tile.width + col] ?? NaN)}</td>`,
              )}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}
