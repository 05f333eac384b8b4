/** @file Which sample is shown: the set, its number, forward and back, by length, by warning, by text. */
import * as l10n from '@vscode/l10n';
import { html, nothing, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import type { SampleSet } from '../../kernels/protocol/calls/tokens';
import { formatCount } from '../shared/format';
import { icon } from '../shared/icon';
import { SignalElement } from '../shared/signalElement';
import type { TokensStore } from './store';

@customElement('as-sample-bar')
export class SampleBar extends SignalElement {
  @property({ attribute: false }) store!: TokensStore;

  protected override render(): TemplateResult {
    const { store } = this;
    const { number, query } = store.choices;
    const count = store.count.value;
    const warned = Object.values(store.lengths.value?.warnings ?? {}).reduce((n, of) => n + of, 0);
    const odd = warned + (store.lengths.value?.unreadable ?? 0);
    return html`<div class="toolbar" role="toolbar" aria-label=${l10n.t('Sample')}>
      ${store.sets.value.length > 1 || store.set === 'eval' ? this.renderSets() : nothing}
      <span class="control">
        ${iconButton('arrow-left', l10n.t('Previous sample'), () => store.step('previous'))}
        <label class="control"
          >${l10n.t('Sample')}
          <input
            type="text"
            inputmode="numeric"
            class="number sample-number"
            .value=${String(number.value)}
            @change=${this.onNumber}
          />
        </label>
        <span class="muted">${count === null ? '' : l10n.t('of {0}', formatCount(count))}</span>
        ${iconButton('arrow-right', l10n.t('Next sample'), () => store.step('next'))}
      </span>
      <span class="control">
        <button type="button" class="text-button" @click=${() => store.go({ to: 'random' })}>
          ${l10n.t('Random')}
        </button>
        <button type="button" class="text-button" @click=${() => store.go({ to: 'longest' })}>
          ${l10n.t('Longest')}
        </button>
        <button
          type="button"
          class="text-button"
          title=${l10n.t('The next sample with a warning')}
          ?disabled=${store.lengths.value !== null && odd === 0}
          @click=${() => store.step('next', true)}
        >
          ${icon('warning')} ${l10n.t('Next Warning')}
        </button>
      </span>
      <label class="control search"
        >${l10n.t('Find')}
        <input
          type="text"
          .value=${query.value}
          placeholder=${l10n.t('text of a sample')}
          @keydown=${this.onSearchKey}
          @change=${(e: Event) => store.search((e.target as HTMLInputElement).value)}
        />
      </label>
    </div>`;
  }

  private renderSets(): TemplateResult {
    const { store } = this;
    const labels: Readonly<Record<SampleSet, string>> = {
      train: l10n.t('Training data'),
      eval: l10n.t('Evaluation data'),
    };
    return html`<label class="control"
      >${l10n.t('Data')}
      <select @change=${(e: Event) => store.chooseSet((e.target as HTMLSelectElement).value as SampleSet)}>
        ${store.sets.value.map((set) => html`<option value=${set} ?selected=${set === store.set}>${labels[set]}</option>`)}
      </select>
    </label>`;
  }

  private readonly onNumber = (event: Event): void => {
    const input = event.target as HTMLInputElement;
    const wanted = Number(input.value.replace(/[\s,.]/g, ''));
    const most = this.store.count.value ?? 1;
    if (Number.isInteger(wanted)) this.store.go({ to: 'number', number: Math.min(most, Math.max(1, wanted)) });
    input.value = String(this.store.choices.number.value);
  };

  /** Enter on what is searched already goes to the next one, with Shift to the one before. */
  private readonly onSearchKey = (event: KeyboardEvent): void => {
    const { value } = event.target as HTMLInputElement;
    if (event.key !== 'Enter' || value !== this.store.choices.query.value) return;
    event.preventDefault();
    this.store.step(event.shiftKey ? 'previous' : 'next');
  };
}

function iconButton(name: string, label: string, run: () => void): TemplateResult {
  return html`<button type="button" class="icon-button" aria-label=${label} title=${label} @click=${run}>
    ${icon(name)}
  </button>`;
}
