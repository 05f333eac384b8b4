/** @file The table behind a line plot, for those who cannot or do not want to read the picture. */
import * as l10n from '@vscode/l10n';
import { html, type TemplateResult } from 'lit';
import { formatValue } from './axes';
import { nearestIndex } from './dataCursor';
import type { LineFigure, Range } from './lineFigure';

/** More rows than this are not read by anybody, and would have to be redrawn with every update. */
const MAX_ROWS = 200;

export interface TableRows {
  readonly rows: readonly { readonly x: number; readonly values: readonly (number | null)[] }[];
  readonly total: number;
}

/** One row for each x inside the range; evenly thinned out, but for the last one and those of sparse curves. */
export function tableRows(figure: LineFigure, range: Range): TableRows {
  const places = figure.curves.map(({ x }) => Array.from(x).filter((v) => v >= range[0] && v <= range[1]));
  const all = [...new Set(places.flat())].sort((a, b) => a - b);
  const kept = new Set(places.filter((xs) => xs.length <= MAX_ROWS / 4).flat());
  const count = Math.min(MAX_ROWS, all.length);
  for (let k = 0; k < count; k++) kept.add(all[all.length - 1 - Math.floor((k * all.length) / count)]!);
  const ascending = [...kept].sort((a, b) => a - b);
  const rows = ascending.map((x) => ({
    x,
    values: figure.curves.map((curve) => {
      const i = nearestIndex(curve.x, x);
      return i >= 0 && curve.x[i] === x ? (curve.y[i] ?? null) : null;
    }),
  }));
  return { rows, total: all.length };
}

export function lineTable(figure: LineFigure, range: Range): TemplateResult {
  const { rows, total } = tableRows(figure, range);
  return html`<div class="table-scroll" tabindex="0" role="region" aria-label=${l10n.t('{0}, table', figure.title)}>
    <table>
      <caption>
        ${rows.length < total ? l10n.t('{0}: {1} of {2} points; zoom in or save CSV for all', figure.title, rows.length, total) : figure.title}
      </caption>
      <thead>
        <tr>
          <th scope="col">${figure.x.label}</th>
          ${figure.curves.map((curve) => html`<th scope="col">${curve.name}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          ({ x, values }) =>
            html`<tr>
              <th scope="row">${formatValue(figure.x.kind, x)}</th>
              ${values.map((value) => html`<td>${value === null ? '' : formatValue(figure.y.kind, value)}</td>`)}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}
