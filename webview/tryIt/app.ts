/** @file The page that tries models: which ones, the prompt, their answers side by side. */
import '../shared/failureBar';
import './answerColumn';
import './modelChoice';
import './promptForm';
import * as l10n from '@vscode/l10n';
import { html, nothing, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import { repeat } from 'lit/directives/repeat.js';
import { icon } from '../shared/icon';
import { SignalElement } from '../shared/signalElement';
import type { TryItStore } from './store';

@customElement('as-try-it')
export class TryItApp extends SignalElement {
  @property({ attribute: false }) store!: TryItStore;

  protected override render(): TemplateResult {
    const { store } = this;
    const snapshot = store.snapshot.value;
    return html`<as-failure-bar .failures=${store.failures}></as-failure-bar>
      <main>
        <h1>${l10n.t('Try Models')}</h1>
        ${
          snapshot && !snapshot.canWrite
            ? html`<p class="banner">
                ${icon('shield')}<span>${l10n.t('Models answer in a trusted workspace only.')}</span>
              </p>`
            : nothing
        }
        <as-model-choice .store=${store}></as-model-choice>
        <as-prompt-form .store=${store}></as-prompt-form>
        <section class="answers" aria-label=${l10n.t('Answers')}>
          ${repeat(
            store.columns.value,
            ({ id }) => id,
            (column) => html`<as-answer-column .store=${store} .column=${column}></as-answer-column>`,
          )}
          ${store.columns.value.length === 0 ? html`<p class="muted">${l10n.t('Choose a base model or an adapter.')}</p>` : nothing}
        </section>
        <div class="visually-hidden" aria-live="polite">${store.spoken.value}</div>
      </main>`;
  }
}
