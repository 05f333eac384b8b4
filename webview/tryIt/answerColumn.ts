/** @file What one model answers, as it comes. */
import * as l10n from '@vscode/l10n';
import { html, nothing, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import type { GeneratedText } from '../../kernels/protocol/calls/generate';
import { formatCount, formatDuration } from '../shared/format';
import { icon } from '../shared/icon';
import { SignalElement } from '../shared/signalElement';
import { columnTitle, type Answer, type Column, type TryItStore } from './store';

@customElement('as-answer-column')
export class AnswerColumn extends SignalElement {
  @property({ attribute: false }) store!: TryItStore;
  @property({ attribute: false }) column!: Column;

  protected override render(): TemplateResult {
    const { id, base, adapter } = this.column;
    const answer = this.store.answers[id].value;
    const place = adapter ?? base;
    const title = columnTitle(id);
    const canCopy = answer !== null && answer.text !== '';
    return html`<article
      class="answer"
      data-column=${id}
      data-state=${answer?.state ?? 'none'}
      aria-label=${title}
      aria-busy=${answer?.state === 'writing'}
    >
      <header class="answer-head">
        <h2>${title}</h2>
        <span class="muted place" title=${place}>${lastParts(place)}</span>
        <button
          type="button"
          class="icon-button"
          aria-label=${l10n.t('Copy the answer of {0}', title)}
          title=${l10n.t('Copy')}
          ?disabled=${!canCopy}
          @click=${() => this.store.copy(answer?.text ?? '')}
        >
          ${icon('copy')}
        </button>
      </header>
      ${this.renderText(answer)}
      <p class="answer-facts muted number">${answer ? factsOf(answer) : ''}</p>
    </article>`;
  }

  private renderText(answer: Answer | null): TemplateResult {
    if (answer?.state === 'failed') {
      const message = l10n.t('Could not answer: {0}', answer.failure ?? '');
      return html`<p class="banner error" role="alert">${icon('error')}<span>${message}</span></p>`;
    }
    const caret = html`<span class="caret" aria-hidden="true"></span>`;
    // White space counts here: nothing may stand around the text.
    const content = [answer?.text ?? '', answer?.state === 'writing' ? caret : nothing];
    return html`<p class="answer-text">${content}</p>`;
  }
}

function factsOf({ state, pieces, text, result }: Answer): string {
  switch (state) {
    case 'waiting':
      return l10n.t('Opening the model and reading the prompt…');
    case 'writing':
      return l10n.t('Writing, {0} pieces so far', formatCount(pieces));
    case 'stopped':
      return text === '' ? l10n.t('Stopped') : l10n.t('Stopped after {0} pieces', formatCount(pieces));
    case 'failed':
      return '';
    case 'done':
      return result ? summaryOf(result) : '';
  }
}

function summaryOf({ tokens, promptTokens, stopped, firstTokenSeconds, seconds }: GeneratedText): string {
  const rate = tokens > 1 && seconds > 0 ? [l10n.t('{0} tokens/s', ((tokens - 1) / seconds).toFixed(1))] : [];
  const parts = [
    l10n.t('{0} tokens after {1}', formatCount(tokens), formatCount(promptTokens)),
    ...rate,
    l10n.t('{0} to the first', formatSeconds(firstTokenSeconds)),
    stopped === 'length' ? l10n.t('cut at the limit of tokens') : l10n.t('ended by itself'),
  ];
  return parts.join(' · ');
}

const formatSeconds = (seconds: number): string =>
  seconds < 10 ? l10n.t('{0} s', seconds.toFixed(1)) : formatDuration(seconds);

const lastParts = (path: string): string => path.split(/[\\/]/).slice(-2).join('/');
