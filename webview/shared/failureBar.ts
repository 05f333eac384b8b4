/** @file Shows what failed, at the top of a page. */
import { html, nothing } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import type { Failures } from './failures';
import { icon } from './icon';
import { SignalElement } from './signalElement';

@customElement('as-failure-bar')
export class FailureBar extends SignalElement {
  @property({ attribute: false }) failures!: Failures;

  protected override render() {
    const list = this.failures.list.value;
    // The live region exists before its content does; otherwise a screen reader may not announce the first failure.
    return html`<div role="alert" class="failures">
      ${list.map(
        ({ action, message }) =>
          html`<div class="failure">
            ${icon('error')}
            <span class="failure-text">Could not ${action}: ${message}</span>
            <button
              type="button"
              class="icon-button"
              aria-label="Dismiss"
              title="Dismiss"
              @click=${() => this.failures.dismiss(action)}
            >
              ${icon('close')}
            </button>
          </div>`,
      )}
      ${nothing}
    </div>`;
  }
}
