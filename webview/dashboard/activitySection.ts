/** @file Whether the method of the run is really active: figures with their rules and verdicts, and one of them over the steps. */
import '../shared/plot/linePlot';
import * as l10n from '@vscode/l10n';
import type { ReadonlySignal } from '@preact/signals-core';
import { html, nothing, type TemplateResult } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import type { ActivityFigure, ActivityRecord } from '../../kernels/protocol/types';
import type { ActivityReport } from '../protocol/dashboard';
import { formatCount } from '../shared/format';
import { padded, xExtent } from '../shared/plot/extent';
import type { Range } from '../shared/plot/lineFigure';
import { SignalElement } from '../shared/signalElement';
import type { Theme } from '../shared/theme';
import {
  activityCurve,
  figureText,
  noteText,
  overall,
  ruleText,
  sparkline,
  valueText,
  verdictMark,
} from './activityFigures';
import { runMarks } from './runMarks';
import type { DashboardStore } from './store';

@customElement('as-activity-section')
export class ActivitySection extends SignalElement {
  @property({ attribute: false }) store!: DashboardStore;
  @property({ attribute: false }) theme!: ReadonlySignal<Theme>;

  @state() private zoom: Range | null = null;

  protected override render(): TemplateResult {
    const report = this.store.activity.value;
    return html`<section class="activity" aria-labelledby="activity-title">
      <h2 id="activity-title">${l10n.t({ message: 'Activity', comment: 'whether the method of a run is active' })}</h2>
      ${
        report?.latest
          ? [
              this.renderVerdict(report.latest, report),
              this.renderTable(report.latest, report),
              this.renderCurve(report),
            ]
          : html`<p class="plot-empty">${this.emptyText()}</p>`
      }
    </section>`;
  }

  private emptyText(): string {
    const status = this.store.snapshot.value?.state.status;
    return status === 'queued' || status === 'starting' || status === 'running'
      ? l10n.t('Nothing measured yet: the figures come with the first step.')
      : l10n.t('This run has no record of its activity: it ended before its first step, or an older version made it.');
  }

  private renderVerdict(
    { verdict, step, note, note_values: values = [] }: ActivityRecord,
    { redSteps }: ActivityReport,
  ): TemplateResult {
    const earlier = Math.max(0, ...Object.values(redSteps).map((steps) => steps.length));
    return html`<p class="activity-verdict">
      ${verdictMark(verdict)} <span>${note === undefined ? overall(verdict) : noteText(note, values)}</span>
      <span class="muted">${l10n.t('Measured at step {0}.', formatCount(step))}</span>
      ${
        verdict !== 'red' && earlier > 0
          ? html`<span>${l10n.t('It was red at {0} earlier steps.', formatCount(earlier))}</span>`
          : nothing
      }
    </p>`;
  }

  private renderTable({ figures }: ActivityRecord, report: ActivityReport): TemplateResult {
    return html`<div
      class="table-scroll activity-table"
      tabindex="0"
      role="region"
      aria-label=${l10n.t('Figures of the activity')}
    >
      <table>
        <thead>
          <tr>
            <th scope="col">${l10n.t({ message: 'Figure', comment: 'a measured number' })}</th>
            <th scope="col">${l10n.t({ message: 'Verdict', comment: 'whether a rule is met' })}</th>
            <th scope="col">${l10n.t('Value')}</th>
            <th scope="col">${l10n.t({ message: 'Rule', comment: 'what a measured number must meet' })}</th>
            <th class="activity-course" scope="col">${l10n.t('Over the steps')}</th>
          </tr>
        </thead>
        <tbody>
          ${figures.map((figure) => this.renderFigure(figure, report))}
        </tbody>
      </table>
    </div>`;
  }

  private renderFigure(figure: ActivityFigure, { values }: ActivityReport): TemplateResult {
    const { id, verdict, where } = figure;
    return html`<tr data-figure=${id} data-verdict=${verdict}>
      <th scope="row">
        <button
          type="button"
          class="activity-figure"
          aria-pressed=${id === this.shownId}
          title=${l10n.t('Show this figure over the steps')}
          @click=${() => (this.store.choices.figure.value = id)}
        >
          ${figureText(figure)}
        </button>
        ${where === undefined || verdict === 'pending' ? nothing : html`<div class="activity-where muted">${where}</div>`}
      </th>
      <td>${verdictMark(verdict)}</td>
      <td class="number">${valueText(figure)}</td>
      <td class="activity-rule">${ruleText(figure)}</td>
      <td class="activity-course">${sparkline(values[id] ?? [])}</td>
    </tr>`;
  }

  /** The chosen figure, or the first one while none, or one of another run, is chosen. */
  private get shownId(): string | undefined {
    const figures = this.store.activity.value?.latest?.figures ?? [];
    const chosen = this.store.choices.figure.value;
    return (figures.find(({ id }) => id === chosen) ?? figures[0])?.id;
  }

  private renderCurve(report: ActivityReport): TemplateResult | typeof nothing {
    const figure = report.latest?.figures.find(({ id }) => id === this.shownId);
    if (!figure) return nothing;
    const { store } = this;
    const { marks: events = [], info = null } = store.snapshot.value ?? {};
    const marks = runMarks('step', { marks: events, info });
    return html`<as-line-plot
      data-plot="activity"
      .figure=${activityCurve(figure, report, this.theme.value, marks)}
      .theme=${this.theme}
      .xRange=${this.zoom ?? padded(xExtent([{ x: report.steps }]) ?? [0, 1])}
      .height=${180}
      .onZoom=${(range: Range | null) => (this.zoom = range)}
      .onPicture=${store.savePicture.bind(store)}
      .onFailure=${store.plotFailed.bind(store)}
    ></as-line-plot>`;
  }
}
