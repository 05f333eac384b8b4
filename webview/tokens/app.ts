/** @file The page of tokens as a whole: which sample, what is odd about it, its tokens, the lengths of all. */
import '../shared/failureBar';
import './lengths';
import './sampleBar';
import './tokenFlow';
import type { ReadonlySignal } from '@preact/signals-core';
import * as l10n from '@vscode/l10n';
import { html, nothing, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import type { SampleTokens } from '../../kernels/protocol/calls/tokens';
import { formatCount, formatShare } from '../shared/format';
import { icon } from '../shared/icon';
import { SignalElement } from '../shared/signalElement';
import type { Theme } from '../shared/theme';
import type { TokensStore } from './store';

@customElement('as-tokens')
export class TokensApp extends SignalElement {
  @property({ attribute: false }) store!: TokensStore;
  @property({ attribute: false }) theme!: ReadonlySignal<Theme>;

  protected override render(): TemplateResult {
    const { store, theme } = this;
    const snapshot = store.snapshot.value;
    return html`<as-failure-bar .failures=${store.failures}></as-failure-bar>
      <header>
        <h1>${l10n.t('Tokens')}</h1>
        <p class="muted">${snapshot?.name ?? ''}</p>
      </header>
      <main>
        <as-sample-bar .store=${store}></as-sample-bar>
        <p class="not-found" role="status">${store.notFound.value}</p>
        ${this.renderSample()}
        <as-sample-lengths .store=${store} .theme=${theme}></as-sample-lengths>
      </main>`;
  }

  private renderSample(): TemplateResult {
    const refused = this.store.refused.value;
    if (refused !== '') return html`<p class="banner error" role="alert">${icon('error')}<span>${refused}</span></p>`;
    const sample = this.store.sample.value;
    if (!sample) return html`<p class="muted">${l10n.t('Reading the data…')}</p>`;
    return html`${this.renderFacts(sample)} ${this.renderWarnings(sample)}
      <as-token-flow .sample=${sample}></as-token-flow>`;
  }

  private renderFacts({ counts, format, file, line, cut, label }: SampleTokens): TemplateResult {
    const share = counts.tokens === 0 ? '' : ` (${formatShare(counts.loss / counts.tokens)})`;
    const total = l10n.t('{0} of {1}', formatCount(counts.tokens), formatCount(counts.total));
    return html`<dl class="facts">
      ${fact(l10n.t('Tokens'), cut ? total : formatCount(counts.tokens))}
      ${label === undefined ? fact(l10n.t('With loss'), `${formatCount(counts.loss)}${share}`) : fact(l10n.t('Label'), label)}
      ${fact(l10n.t('Special'), formatCount(counts.special))} ${fact(l10n.t('Format'), format)}
      <div>
        <dt>${l10n.t('From')}</dt>
        <dd>
          <button type="button" class="link-button" title=${file} @click=${() => this.store.openFile()}>
            ${file.split(/[\\/]/).at(-1)}:${line}
          </button>
        </dd>
      </div>
    </dl>`;
  }

  private renderWarnings({ warnings }: SampleTokens): TemplateResult | typeof nothing {
    if (warnings.length === 0) return nothing;
    return html`<ul class="token-warnings" aria-label=${l10n.t('What is odd about this sample')}>
      ${warnings.map(({ message }) => html`<li>${icon('warning')}<span>${message}</span></li>`)}
    </ul>`;
  }
}

function fact(name: string, value: string): TemplateResult {
  return html`<div>
    <dt>${name}</dt>
    <dd>${value}</dd>
  </div>`;
}
