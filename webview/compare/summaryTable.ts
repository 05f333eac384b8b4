/** @file How the runs did, side by side; the best value of a row is marked where there is a better and a worse. */
import * as l10n from '@vscode/l10n';
import { html, nothing, type TemplateResult } from 'lit';
import type { ComparedRun } from '../protocol/compare';
import { bestText } from '../shared/bestText';
import { formatBytes, formatCount, formatDuration, formatNumber, formatShort, UNKNOWN } from '../shared/format';
import { icon } from '../shared/icon';
import { swatch, type LegendEntry } from '../shared/plot/legend';
import { statusBadge } from '../shared/runStatus';

interface SummaryRow {
  readonly name: string;
  readonly value: (run: ComparedRun) => number | null;
  readonly text: (value: number, run: ComparedRun) => string;
  /** Absent: no value is better than another. */
  readonly best?: 'least' | 'most';
}

const ROWS: readonly SummaryRow[] = [
  {
    name: l10n.t('Steps'),
    value: ({ state }) => state.step,
    text: (step, { state }) => `${formatCount(step)} / ${formatCount(state.total_steps)}`,
  },
  {
    name: l10n.t('Best eval loss'),
    value: ({ state }) => state.best?.loss ?? null,
    text: (loss, { state }) => (state.best ? bestText(state.best) : formatNumber(loss)),
    best: 'least',
  },
  { name: l10n.t('Last eval loss'), value: ({ lastEvalLoss }) => lastEvalLoss, text: formatNumber, best: 'least' },
  { name: l10n.t('Last train loss'), value: ({ lastLoss }) => lastLoss, text: formatNumber, best: 'least' },
  {
    name: l10n.t('Time in steps'),
    value: ({ stepSeconds }) => (stepSeconds > 0 ? stepSeconds : null),
    text: formatDuration,
  },
  {
    name: l10n.t('Mean tokens/s'),
    value: ({ tokensPerSecond }) => tokensPerSecond,
    text: formatCount,
    best: 'most',
  },
  {
    name: l10n.t('Trainable parameters'),
    value: ({ info }) => info?.parameters.trainable ?? null,
    text: formatShort,
  },
  { name: l10n.t('Largest memory'), value: ({ peakRss }) => peakRss, text: formatBytes, best: 'least' },
];

export function summaryTable(
  runs: readonly ComparedRun[],
  legend: readonly LegendEntry[],
  onOpen: (folder: string) => void,
): TemplateResult {
  return html`<div class="table-scroll" tabindex="0" role="region" aria-label=${l10n.t('Results')}>
    <table class="compare-table">
      <caption class="visually-hidden">
        ${l10n.t('Results')}
      </caption>
      <thead>
        <tr>
          <td></td>
          ${runs.map(
            ({ folder }, i) =>
              html`<th scope="col">
                <button
                  type="button"
                  class="link-button"
                  title=${l10n.t('Open the dashboard of this run')}
                  @click=${() => onOpen(folder)}
                >
                  ${legend[i] ? swatch(legend[i].style) : nothing}<span>${legend[i]?.name}</span>
                </button>
              </th>`,
          )}
        </tr>
      </thead>
      <tbody>
        <tr>
          <th scope="row">${l10n.t('State')}</th>
          ${runs.map(({ state, isGone }) => html`<td>${statusBadge(state.status, isGone)}</td>`)}
        </tr>
        ${ROWS.map((row) => renderRow(row, runs))}
      </tbody>
    </table>
  </div>`;
}

function renderRow({ name, value, text, best }: SummaryRow, runs: readonly ComparedRun[]): TemplateResult {
  const values = runs.map(value);
  const known = values.filter((v): v is number => v !== null && Number.isFinite(v));
  const top = best === 'least' ? Math.min(...known) : Math.max(...known);
  // Where all are equal none is the best.
  const isRanked = best !== undefined && new Set(known).size > 1;
  return html`<tr>
    <th scope="row">${name}</th>
    ${values.map((v, i) =>
      v === null
        ? html`<td>${UNKNOWN}</td>`
        : isRanked && v === top
          ? html`<td class="best">
              ${text(v, runs[i]!)} ${icon('star-full')}<span class="visually-hidden">${l10n.t('best')}</span>
            </td>`
          : html`<td>${text(v, runs[i]!)}</td>`,
    )}
  </tr>`;
}
