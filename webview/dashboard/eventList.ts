/** @file What happened to the run, newest first. */
import { html, nothing, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import type { RunEvent } from '../../kernels/protocol/types';
import { formatClock, formatCount } from '../shared/format';
import { icon } from '../shared/icon';
import { SignalElement } from '../shared/signalElement';
import type { DashboardStore } from './store';

const EVENTS: Readonly<Record<RunEvent['event'], { readonly icon: string; readonly text: string }>> = {
  queued: { icon: 'watch', text: 'Queued' },
  started: { icon: 'play', text: 'Started' },
  resumed: { icon: 'debug-continue', text: 'Resumed' },
  checkpoint: { icon: 'save', text: 'Checkpoint' },
  eval: { icon: 'beaker', text: 'Evaluation' },
  warning: { icon: 'warning', text: 'Warning' },
  stopped: { icon: 'debug-pause', text: 'Stopped' },
  finished: { icon: 'pass', text: 'Finished' },
  failed: { icon: 'error', text: 'Failed' },
};

/** A long run has thousands of evaluations; the log has them all. */
const MAX_SHOWN = 200;

@customElement('as-event-list')
export class EventList extends SignalElement {
  @property({ attribute: false }) store!: DashboardStore;

  protected override render(): TemplateResult {
    const events = this.store.snapshot.value?.events ?? [];
    const { areEventsOpen } = this.store.choices;
    const warnings = events.filter(({ event }) => event === 'warning' || event === 'failed').length;
    return html`<details
      class="events"
      ?open=${areEventsOpen.value}
      @toggle=${(e: Event) => (areEventsOpen.value = (e.target as HTMLDetailsElement).open)}
    >
      <summary>
        <h2>Events</h2>
        <span class="muted">${events.length}${warnings > 0 ? `, ${warnings} with a warning or failure` : ''}</span>
      </summary>
      ${areEventsOpen.value ? this.renderEvents(events) : nothing}
    </details>`;
  }

  private renderEvents(events: readonly RunEvent[]): TemplateResult {
    if (events.length === 0) return html`<p class="muted">Nothing has happened yet.</p>`;
    const now = new Date();
    const rows = events.slice(-MAX_SHOWN).reverse();
    return html`<ol class="event-rows">
        ${rows.map(
          ({ event, time, step, reason }) =>
            html`<li class="event-${event}">
              <time>${formatClock(time, now)}</time>
              <span class="event-name">${icon(EVENTS[event].icon)} ${EVENTS[event].text}</span>
              <span class="event-step">step ${formatCount(step)}</span>
              ${reason ? html`<span class="event-reason">${reason}</span>` : nothing}
            </li>`,
        )}
      </ol>
      ${
        events.length > MAX_SHOWN
          ? html`<p class="muted">The last ${MAX_SHOWN} of ${events.length}; the log has all.</p>`
          : nothing
      }`;
  }
}
