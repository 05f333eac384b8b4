/** @file What happened to the run, newest first. */
import * as l10n from '@vscode/l10n';
import { html, nothing, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import type { RunEvent } from '../../kernels/protocol/types';
import { formatClock, formatCount } from '../shared/format';
import { icon } from '../shared/icon';
import { SignalElement } from '../shared/signalElement';
import type { DashboardStore } from './store';
import { WATCH_LABELS } from './watchLabels';

const EVENTS: Readonly<Record<RunEvent['event'], { readonly icon: string; readonly text: string }>> = {
  queued: { icon: 'watch', text: l10n.t('Queued') },
  started: { icon: 'play', text: l10n.t('Started') },
  resumed: { icon: 'debug-continue', text: l10n.t('Resumed') },
  checkpoint: { icon: 'save', text: l10n.t('Checkpoint') },
  eval: { icon: 'beaker', text: l10n.t('Evaluation') },
  restart: { icon: 'sync', text: l10n.t('Adapter restarted') },
  warning: { icon: 'warning', text: l10n.t('Warning') },
  stopped: { icon: 'debug-pause', text: l10n.t('Stopped') },
  finished: { icon: 'pass', text: l10n.t('Finished') },
  failed: { icon: 'error', text: l10n.t('Failed') },
};

@customElement('as-event-list')
export class EventList extends SignalElement {
  @property({ attribute: false }) store!: DashboardStore;

  protected override render(): TemplateResult {
    const { events = [], eventCount = 0, warningCount = 0 } = this.store.snapshot.value ?? {};
    const { areEventsOpen } = this.store.choices;
    return html`<details
      class="events"
      ?open=${areEventsOpen.value}
      @toggle=${(e: Event) => (areEventsOpen.value = (e.target as HTMLDetailsElement).open)}
    >
      <summary>
        <h2>${l10n.t('Events')}</h2>
        <span class="muted"
          >${warningCount > 0 ? l10n.t('{0}, {1} with a warning or failure', eventCount, warningCount) : eventCount}</span
        >
      </summary>
      ${areEventsOpen.value ? this.renderEvents(events, eventCount) : nothing}
    </details>`;
  }

  private renderEvents(events: readonly RunEvent[], count: number): TemplateResult {
    if (events.length === 0) return html`<p class="muted">${l10n.t('Nothing has happened yet.')}</p>`;
    const now = new Date();
    const rows = [...events].reverse();
    return html`<ol class="event-rows">
        ${rows.map(
          ({ event, time, step, reason, watch, action }) =>
            html`<li class="event-${event}">
              <time>${formatClock(time, now)}</time>
              <span class="event-name">${icon(EVENTS[event].icon)} ${EVENTS[event].text}</span>
              <span class="event-step">${l10n.t('step {0}', formatCount(step))}</span>
              ${watch ? html`<span class="event-watch">${icon('eye')} ${WATCH_LABELS[watch] ?? watch}</span>` : nothing}
              ${reason ? html`<span class="event-reason">${reason}</span>` : nothing}
              ${action ? html`<span class="event-reason">${l10n.t('Done: {0}', action)}</span>` : nothing}
            </li>`,
        )}
      </ol>
      ${
        count > events.length
          ? html`<p class="muted">${l10n.t('The last {0} of {1}; the log has all.', events.length, count)}</p>`
          : nothing
      }`;
  }
}
