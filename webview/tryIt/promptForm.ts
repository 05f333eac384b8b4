/** @file The prompt, earlier prompts, and how the models write. */
import * as l10n from '@vscode/l10n';
import type { Signal } from '@preact/signals-core';
import { html, nothing, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import { icon } from '../shared/icon';
import { SignalElement } from '../shared/signalElement';
import { pastPrompts, recallPrompt } from './choices';
import type { TryItStore } from './store';

interface NumberLimits {
  readonly min: number;
  readonly max: number;
  readonly isWhole: boolean;
}

@customElement('as-prompt-form')
export class PromptForm extends SignalElement {
  @property({ attribute: false }) store!: TryItStore;

  protected override render(): TemplateResult {
    const { store } = this;
    const { choices } = store;
    const canChat = store.canChat.value;
    const isChat = canChat && choices.isChat.value;
    return html`<form class="prompt-form" @submit=${this.onSubmit}>
      <div class="toolbar">
        <fieldset class="control" ?disabled=${!canChat}>
          <legend class="visually-hidden">${l10n.t('What the prompt is')}</legend>
          ${this.kindButton(true, l10n.t('Chat'), isChat)} ${this.kindButton(false, l10n.t('Plain text'), !isChat)}
        </fieldset>
        ${store.about.value && !canChat ? html`<span class="muted">${l10n.t('This checkpoint has no chat template.')}</span>` : nothing}
        ${this.renderHistory()}
      </div>
      ${
        isChat
          ? html`<label class="field"
              >${l10n.t('System (optional)')}
              <input
                type="text"
                .value=${choices.system.value}
                @input=${(e: Event) => (choices.system.value = (e.target as HTMLInputElement).value)}
              />
            </label>`
          : nothing
      }
      <label class="field"
        >${isChat ? l10n.t('Question') : l10n.t('Text to continue')}
        <textarea
          rows="3"
          .value=${choices.prompt.value}
          @input=${(e: Event) => (choices.prompt.value = (e.target as HTMLTextAreaElement).value)}
          @keydown=${this.onKey}
        ></textarea>
      </label>
      ${this.renderSettings()}
    </form>`;
  }

  private kindButton(isChat: boolean, label: string, isChosen: boolean): TemplateResult {
    return html`<label class="control">
      <input
        type="radio"
        name="kind"
        .checked=${isChosen}
        @change=${() => (this.store.choices.isChat.value = isChat)}
      />
      ${label}
    </label>`;
  }

  private renderHistory(): TemplateResult | typeof nothing {
    const past = pastPrompts(this.store.choices);
    if (past.length === 0) return nothing;
    const onChoose = (event: Event): void => {
      const select = event.target as HTMLSelectElement;
      const chosen = past[Number(select.value)];
      if (chosen) recallPrompt(this.store.choices, chosen);
      select.value = '';
    };
    return html`<label class="control"
      >${l10n.t('Earlier prompts')}
      <select class="history" @change=${onChoose}>
        <option value=""></option>
        ${past.map(({ prompt }, i) => html`<option value=${i}>${shortened(prompt)}</option>`)}
      </select>
    </label>`;
  }

  private renderSettings(): TemplateResult {
    const { store } = this;
    const { choices, isWriting } = store;
    const longest = store.about.value?.maxLength ?? 1_000_000;
    return html`<div class="toolbar">
      ${numberField(l10n.t('New tokens'), choices.maxNewTokens, { min: 1, max: longest, isWhole: true })}
      <label class="control">
        <input
          type="checkbox"
          class="draws-at-random"
          .checked=${!choices.isGreedy.value}
          @change=${(e: Event) => (choices.isGreedy.value = !(e.target as HTMLInputElement).checked)}
        />
        ${l10n.t('Draw at random')}
      </label>
      ${
        choices.isGreedy.value
          ? nothing
          : html`${numberField(l10n.t('Temperature'), choices.temperature, { min: 0.01, max: 10, isWhole: false })}
            ${numberField(l10n.t('Top-p'), choices.topP, { min: 0.01, max: 1, isWhole: false })}
            ${numberField(l10n.t('Seed'), choices.seed, { min: 0, max: 2 ** 32 - 1, isWhole: true })}`
      }
      <span class="control send">
        ${
          isWriting.value
            ? html`<button type="button" class="text-button" @click=${() => store.stop()}>
                ${icon('debug-stop')} ${l10n.t('Stop')}
              </button>`
            : html`<button
                type="submit"
                class="text-button primary"
                title=${l10n.t('Ctrl+Enter')}
                ?disabled=${!store.canWrite.value}
              >
                ${icon('send')} ${l10n.t('Answer')}
              </button>`
        }
      </span>
    </div>`;
  }

  private readonly onSubmit = (event: Event): void => {
    event.preventDefault();
    void this.store.write();
  };

  private readonly onKey = (event: KeyboardEvent): void => {
    if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    void this.store.write();
  };
}

/** What is no number within the limits is put back. */
function numberField(label: string, choice: Signal<number>, { min, max, isWhole }: NumberLimits): TemplateResult {
  const onChange = (event: Event): void => {
    const input = event.target as HTMLInputElement;
    const value = Number(input.value);
    const isNumber = input.value.trim() !== '' && Number.isFinite(value);
    if (isNumber) choice.value = Math.min(max, Math.max(min, isWhole ? Math.round(value) : value));
    input.value = String(choice.value);
  };
  return html`<label class="control"
    >${label}
    <input type="text" inputmode="decimal" class="number setting" .value=${String(choice.value)} @change=${onChange} />
  </label>`;
}

const shortened = (text: string): string => (text.length <= 60 ? text : `${text.slice(0, 57)}…`);
