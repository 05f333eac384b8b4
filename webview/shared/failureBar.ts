/** @file Shows what failed, at the top of a page. */
import * as l10n from '@vscode/l10n';
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
            <span class="failure-text"
              >${l10n.t({ message: 'Could not {0}: {1}', args: [action, message], comment: 'what was tried, such as "read the run", and why it failed' })}</span
            >
            <button
              type="button"
              class="icon-button"
              aria-label=${l10n.t('Dismiss')}
              title=${l10n.t('Dismiss')}
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
