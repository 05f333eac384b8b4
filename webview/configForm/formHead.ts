/** @file The head of the form: which configuration, what it will train, and the buttons. */
import '@vscode-elements/elements/dist/vscode-button/index.js';
import * as l10n from '@vscode/l10n';
import { html, nothing, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import type { FormDocument, FormSnapshot } from '../protocol/configForm';
import { formatCount, formatShare, formatShort } from '../shared/format';
import { icon } from '../shared/icon';
import { SignalElement } from '../shared/signalElement';
import type { ConfigFormStore } from './store';

@customElement('as-form-head')
export class FormHead extends SignalElement {
  @property({ attribute: false }) store!: ConfigFormStore;

  protected override render(): TemplateResult | typeof nothing {
    const { store } = this;
    const snapshot = store.snapshot.value;
    if (!snapshot?.document) return nothing;
    const obstacle = store.obstacle.value;
    return html`${this.renderFile(snapshot, snapshot.document)}
      <p class="summary" role="status">${summaryText(snapshot.document)}</p>
      <vscode-button
        block
        class="train"
        ?disabled=${obstacle !== null}
        aria-disabled=${obstacle !== null}
        aria-describedby="train-obstacle"
        @click=${() => obstacle === null && store.command('train')}
        ><span slot="content-before">${icon('play')}</span>${l10n.t('Train')}</vscode-button
      >
      <p id="train-obstacle" class="muted">${obstacle ?? ''}</p>
      <div class="form-commands">
        <vscode-button secondary @click=${() => store.command('openText')}
          ><span slot="content-before">${icon('go-to-file')}</span>${l10n.t('Open as Text')}</vscode-button
        >
        <vscode-button secondary @click=${() => store.command('new')}
          ><span slot="content-before">${icon('new-file')}</span>${l10n.t('New')}</vscode-button
        >
        <button
          type="button"
          class="icon-button undo"
          aria-label=${l10n.t('Undo the last change of the form')}
          title=${l10n.t('Undo the last change of the form')}
          ?disabled=${!snapshot.document.canUndo}
          @click=${() => store.undo()}
        >
          ${icon('discard')}
        </button>
        <button
          type="button"
          class="icon-button help-switch"
          aria-label=${l10n.t('Help texts')}
          title=${store.isHelpShown.value ? l10n.t('Hide help texts') : l10n.t('Show help texts')}
          aria-pressed=${store.isHelpShown.value}
          @click=${() => (store.isHelpShown.value = !store.isHelpShown.value)}
        >
          ${icon('question')}
        </button>
      </div>`;
  }

  private renderFile({ configurations }: FormSnapshot, { uri, name, isDirty }: FormDocument): TemplateResult {
    const dirty = isDirty
      ? html`<span class="dirty" title=${l10n.t('Not saved')}
          >${icon('circle-filled')}<span class="visually-hidden">${l10n.t('not saved')}</span></span
        >`
      : nothing;
    if (configurations.length < 2) return html`<p class="file-name">${name} ${dirty}</p>`;
    return html`<div class="file-choice">
      <label class="visually-hidden" for="configuration">${l10n.t('Configuration')}</label>
      <select id="configuration" @change=${(e: Event) => this.store.select((e.target as HTMLSelectElement).value)}>
        ${configurations.map((c) => html`<option value=${c.uri} .selected=${c.uri === uri}>${c.name}</option>`)}
      </select>
      ${dirty}
    </div>`;
  }
}

/** "4.88 M trainable parameters (3.6 % of 135 M) in 210 modules of a llama model"; without modules where none has an adapter. */
function summaryText({ summary }: FormDocument): string {
  if (!summary) return '';
  const { trainableParameters: trainable, baseParameters: base, adaptedModules, modelType } = summary;
  const [count, modules] = [formatShort(trainable), formatCount(adaptedModules)];
  if (adaptedModules === 0 && base > 0) {
    return l10n.t(
      '{0} trainable parameters ({1} of {2}) of a {3} model',
      count,
      formatShare(trainable / base),
      formatShort(base),
      modelType,
    );
  }
  if (base <= 0) return l10n.t('{0} trainable parameters in {1} modules of a {2} model', count, modules, modelType);
  return l10n.t(
    '{0} trainable parameters ({1} of {2}) in {3} modules of a {4} model',
    count,
    formatShare(trainable / base),
    formatShort(base),
    modules,
    modelType,
  );
}
