/** @file The inspector as a whole: what the file is, what is wrong with it, and what it holds. */
import '../shared/failureBar';
import './adapterView';
import './inspectorHeader';
import './tensorsView';
import type { ReadonlySignal } from '@preact/signals-core';
import * as l10n from '@vscode/l10n';
import { html, nothing, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import { SignalElement } from '../shared/signalElement';
import type { Theme } from '../shared/theme';
import { problemList } from './problemList';
import type { InspectorStore } from './store';

@customElement('as-inspector')
export class Inspector extends SignalElement {
  @property({ attribute: false }) store!: InspectorStore;
  @property({ attribute: false }) theme!: ReadonlySignal<Theme>;

  protected override render(): TemplateResult {
    const { store } = this;
    const snapshot = store.snapshot.value;
    return html`<as-failure-bar .failures=${store.failures}></as-failure-bar>
      ${snapshot ? this.renderContents() : this.renderOpening()}`;
  }

  private renderOpening(): TemplateResult {
    return html`<main class="inspector-opening">
      ${
        this.store.isOpening.value
          ? html`<p role="status">${l10n.t('Opening…')}</p>`
          : html`<p>${l10n.t('The file was not opened.')}</p>
              <vscode-button @click=${() => void this.store.reload()}>${l10n.t('Try Again')}</vscode-button>
              <vscode-button secondary @click=${() => this.store.command('showLog')}
                >${l10n.t('Show Log')}</vscode-button
              >`
      }
    </main>`;
  }

  private renderContents(): TemplateResult {
    const { store, theme } = this;
    const contents = store.snapshot.value?.contents;
    const problems = !contents ? [] : contents.kind === 'adapter' ? contents.warnings : contents.problems;
    return html`<as-inspector-header .store=${store}></as-inspector-header>
      <main>
        ${problemList(problems, contents?.kind === 'refused' ? contents.message : null)}
        ${contents?.kind === 'adapter' ? html`<as-adapter-view .store=${store} .theme=${theme}></as-adapter-view>` : nothing}
        ${
          contents && contents.kind !== 'refused' && (contents.kind !== 'adapter' || contents.saved.length > 0)
            ? html`<as-tensors-view .store=${store} .theme=${theme}></as-tensors-view>`
            : nothing
        }
      </main>`;
  }
}
