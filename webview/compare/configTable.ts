/** @file The configurations of the runs side by side: the keys that differ, or all of them. */
import * as l10n from '@vscode/l10n';
import { html, type TemplateResult } from 'lit';
import { UNKNOWN } from '../shared/format';
import type { ConfigRow } from './differences';

export function configTable(
  rows: readonly ConfigRow[],
  names: readonly string[],
  areAllShown: boolean,
): TemplateResult {
  const shown = areAllShown ? rows : rows.filter(({ isDifferent }) => isDifferent);
  if (shown.length === 0) return html`<p class="plot-empty">${l10n.t('The configurations say the same.')}</p>`;
  return html`<div class="table-scroll" tabindex="0" role="region" aria-label=${l10n.t('Configurations, table')}>
    <table class="compare-table">
      <caption class="visually-hidden">
        ${l10n.t('Configurations')}
      </caption>
      <thead>
        <tr>
          <th scope="col">${l10n.t('Key')}</th>
          ${names.map((name) => html`<th scope="col">${name}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${shown.map(
          ({ key, values, isDifferent }) =>
            html`<tr class=${isDifferent && areAllShown ? 'different' : ''}>
              <th scope="row"><code>${key}</code></th>
              ${values.map((value) => html`<td>${value ?? UNKNOWN}</td>`)}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}
