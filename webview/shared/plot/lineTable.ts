/** @file The table behind a line plot, for those who cannot or do not want to read the picture. */
import * as l10n from '@vscode/l10n';
import { html, nothing, type TemplateResult } from 'lit';
import { formatValue } from './axes';
import { nearestIndex } from './dataCursor';
import { marksInside, type LineFigure, type Range } from './lineFigure';

/** More rows than this are not read by anybody, and would have to be redrawn with every update. */
const MAX_ROWS = 200;

export interface TableRows {
  readonly rows: readonly {
    readonly x: number;
    readonly values: readonly (number | null)[];
    readonly marks: readonly string[];
  }[];
  readonly total: number;
}

/** One row for each x inside the range, marks among them; evenly thinned out, but for the last one, marks and sparse curves. */
export function tableRows(figure: LineFigure, range: Range): TableRows {
  const places = figure.curves.map(({ x }) => Array.from(x).filter((v) => v >= range[0] && v <= range[1]));
  const marks = marksInside(figure, range);
  const marked = marks.map(({ x }) => x);
  const all = [...new Set([...places.flat(), ...marked])].sort((a, b) => a - b);
  const kept = new Set([...places.filter((xs) => xs.length <= MAX_ROWS / 4).flat(), ...marked]);
  const count = Math.min(MAX_ROWS, all.length);
  for (let k = 0; k < count; k++) kept.add(all[all.length - 1 - Math.floor((k * all.length) / count)]!);
  const ascending = [...kept].sort((a, b) => a - b);
  const rows = ascending.map((x) => ({
    x,
    values: figure.curves.map((curve) => {
      const i = nearestIndex(curve.x, x);
      return i >= 0 && curve.x[i] === x ? (curve.y[i] ?? null) : null;
    }),
    marks: marks.flatMap((mark) => (mark.x === x ? [mark.label] : [])),
  }));
  return { rows, total: all.length };
}

export function lineTable(figure: LineFigure, range: Range): TemplateResult {
  const { rows, total } = tableRows(figure, range);
  const hasMarks = rows.some(({ marks }) => marks.length > 0);
  return html`<div class="table-scroll" tabindex="0" role="region" aria-label=${l10n.t('{0}, table', figure.title)}>
    <table>
      <caption>
        ${rows.length < total ? l10n.t('{0}: {1} of {2} points; zoom in or save CSV for all', figure.title, rows.length, total) : figure.title}
      </caption>
      <thead>
        <tr>
          <th scope="col">${figure.x.label}</th>
          ${figure.curves.map((curve) => html`<th scope="col">${curve.name}</th>`)}
          ${hasMarks ? html`<th scope="col">${l10n.t({ message: 'Marked', comment: 'what is marked on a plot' })}</th>` : nothing}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          ({ x, values, marks }) =>
            html`<tr>
              <th scope="row">${formatValue(figure.x.kind, x)}</th>
              ${values.map((value) => html`<td>${value === null ? '' : formatValue(figure.y.kind, value)}</td>`)}
              ${hasMarks ? html`<td class="table-mark">${marks.join('; ')}</td>` : nothing}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}
