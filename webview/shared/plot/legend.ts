/** @file The legend of a plot as buttons: dash and colour of each curve, pressed while the curve is shown. */
import * as l10n from '@vscode/l10n';
import { html, svg, type TemplateResult } from 'lit';
import type { CurveStyle, Dash } from './lineFigure';

export interface LegendEntry {
  readonly key: string;
  readonly name: string;
  readonly style: CurveStyle;
}

const DASH_ARRAYS: Readonly<Record<Dash, string>> = {
  solid: '',
  dot: '2 3',
  dash: '6 4',
  longdash: '10 4',
  dashdot: '6 3 2 3',
  longdashdot: '10 3 2 3',
};

export function legend(
  entries: readonly LegendEntry[],
  hidden: ReadonlySet<string>,
  toggle: (key: string) => void,
): TemplateResult {
  return html`<div class="legend" role="group" aria-label=${l10n.t('Curves')}>
    ${entries.map(
      ({ key, name, style }) =>
        html`<button type="button" class="legend-entry" aria-pressed=${!hidden.has(key)} @click=${() => toggle(key)}>
          ${swatch(style)}<span>${name}</span>
        </button>`,
    )}
  </div>`;
}

export function swatch(style: CurveStyle): TemplateResult {
  return html`<svg class="swatch" width="26" height="10" viewBox="0 0 26 10" aria-hidden="true">
    <line
      x1="0"
      y1="5"
      x2="26"
      y2="5"
      stroke=${style.color}
      stroke-width=${Math.max(2, style.width)}
      stroke-dasharray=${DASH_ARRAYS[style.dash]}
    ></line>
    ${style.symbol ? svg`<path d="M13 0.5 L17.5 5 L13 9.5 L8.5 5 Z" fill=${style.color}></path>` : ''}
  </svg>`;
}
