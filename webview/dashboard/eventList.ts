/** @file What happened to the run, newest first. */
import * as l10n from '@vscode/l10n';
import { html, nothing, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import type { RunEvent } from '../../kernels/protocol/types';
import { formatClock, formatCount } from '../shared/format';
import { icon } from '../shared/icon';
import { SignalElement } from '../shared/signalElement';
import type { DashboardStore } from './store';

const EVENTS: Readonly<Record<RunEvent['event'], { readonly icon: string; readonly text: string }>> = {
  queued: { icon: 'watch', text: l10n.t('Queued') },
  started: { icon: 'play', text: l10n.t('Started') },
  resumed: { icon: 'debug-continue', text: l10n.t('Resumed') },
  checkpoint: { icon: 'save', text: l10n.t('Checkpoint') },
  eval: { icon: 'beaker', text: l10n.t('Evaluation') },
  warning: { icon: 'warning', text: l10n.t('Warning') },
  stopped: { icon: 'debug-pause', text: l10n.t('Stopped') },
  finished: { icon: 'pass', text: l10n.t('Finished') },
  failed: { icon: 'error', text: l10n.t('Failed') },
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
        <h2>${l10n.t('Events')}</h2>
        <span class="muted"
          >${warnings > 0 ? l10n.t('{0}, {1} with a warning or failure', events.length, warnings) : events.length}</span
        >
      </summary>
      ${areEventsOpen.value ? this.renderEvents(events) : nothing}
    </details>`;
  }

  private renderEvents(events: readonly RunEvent[]): TemplateResult {
    if (events.length === 0) return html`<p class="muted">${l10n.t('Nothing has happened yet.')}</p>`;
    const now = new Date();
    const rows = events.slice(-MAX_SHOWN).reverse();
    return html`<ol class="event-rows">
        ${rows.map(
          ({ event, time, step, reason }) =>
            html`<li class="event-${event}">
              <time>${formatClock(time, now)}</time>
              <span class="event-name">${icon(EVENTS[event].icon)} ${EVENTS[event].text}</span>
              <span class="event-step">${l10n.t('step {0}', formatCount(step))}</span>
              ${reason ? html`<span class="event-reason">${reason}</span>` : nothing}
            </li>`,
        )}
      </ol>
      ${
        events.length > MAX_SHOWN
          ? html`<p class="muted">${l10n.t('The last {0} of {1}; the log has all.', MAX_SHOWN, events.length)}</p>`
          : nothing
      }`;
  }
}
