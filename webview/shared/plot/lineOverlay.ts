/** @file What lies over a drawn line plot: the cursor with the values at it, and the heads of the marks. */
import * as l10n from '@vscode/l10n';
import { html, nothing, type TemplateResult } from 'lit';
import { formatValue } from './axes';
import { MAX_ENTRIES, type Reading } from './dataCursor';
import { swatch } from './legend';
import { MARGIN } from './lineDrawing';
import { marksInside, type LineFigure, type Range } from './lineFigure';

export function readingOverlay(figure: LineFigure, reading: Reading, range: Range, width: number): TemplateResult {
  const { x, entries, marks } = reading;
  const left = toPixel(x, range, width);
  const side = left > width / 2 ? `right:${width - left + 10}px` : `left:${left + 10}px`;
  return html`<div class="plot-cursor" style="left:${left}px"></div>
    <div class="plot-tooltip" style=${side}>
      <strong>${figure.x.label} ${formatValue(figure.x.kind, x)}</strong>
      ${entries
        .slice(0, MAX_ENTRIES)
        .map(
          ({ curve, value }) =>
            html`<div>${swatch(curve.style)}${curve.name} <b>${formatValue(figure.y.kind, value)}</b></div>`,
        )}
      ${entries.length > MAX_ENTRIES ? html`<div>${l10n.t('and {0} more', entries.length - MAX_ENTRIES)}</div>` : nothing}
      ${marks.map(({ label }) => html`<div class="plot-tooltip-mark">${label}</div>`)}
    </div>`;
}

/** Width that a short text beside a mark may take, pixels. */
const SHORT_PX = 56;

export function marksOverlay(figure: LineFigure, range: Range, width: number): TemplateResult[] {
  const marks = marksInside(figure, range);
  const places = marks.map(({ x }) => toPixel(x, range, width));
  return marks.map(({ label, short, isAlarm }, i) => {
    const left = places[i]!;
    const room = (places[i + 1] ?? width) - left;
    return html`<span class=${isAlarm ? 'plot-mark plot-mark-alarm' : 'plot-mark'} style="left:${left}px" title=${label}
      ><span class="visually-hidden">${label}</span>${
        short !== undefined && room >= SHORT_PX
          ? html`<span class="plot-mark-text" aria-hidden="true" style="max-width:${room - 8}px">${short}</span>`
          : nothing
      }</span
    >`;
  });
}

function toPixel(x: number, [low, high]: Range, width: number): number {
  return MARGIN.l + ((x - low) / (high - low)) * (width - MARGIN.l - MARGIN.r);
}
