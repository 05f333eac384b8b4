/**
 * @file The tokens of a sample as running text. Arrow keys go from token to token; the line below says what a token is. Long
 * samples come in pages.
 */
import * as l10n from '@vscode/l10n';
import { html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { classMap } from 'lit/directives/class-map.js';
import type { SampleToken, SampleTokens } from '../../kernels/protocol/calls/tokens';
import { formatCount } from '../shared/format';
import { SignalElement } from '../shared/signalElement';
import { describeToken, visibleParts } from './tokenText';

/** Tokens on one page: drawn in a few hundredths of a second. */
export const PAGE_TOKENS = 1024;

@customElement('as-token-flow')
export class TokenFlow extends SignalElement {
  @property({ attribute: false }) sample!: SampleTokens;

  /** The token that the keys are on. */
  @state() private current = 0;
  @state() private hovered: number | null = null;
  private wantsFocus = false;

  protected override willUpdate(changed: PropertyValues<this>): void {
    const before = changed.get('sample');
    if (before === undefined) return;
    const isSame = before.sample === this.sample.sample && before.file === this.sample.file;
    this.current = isSame ? Math.min(this.current, Math.max(0, this.sample.tokens.length - 1)) : 0;
    this.hovered = null;
  }

  protected override updated(): void {
    if (!this.wantsFocus) return;
    this.wantsFocus = false;
    this.querySelector<HTMLElement>('.token[tabindex="0"]')?.focus();
  }

  protected override render(): TemplateResult {
    const { tokens, cut } = this.sample;
    const page = Math.floor(this.current / PAGE_TOKENS);
    const from = page * PAGE_TOKENS;
    const shown = tokens.slice(from, from + PAGE_TOKENS);
    const isLast = from + PAGE_TOKENS >= tokens.length;
    const described = this.hovered ?? this.current;
    const token = tokens[described];
    return html`<section class="token-section" aria-labelledby="tokens-title">
      <h2 id="tokens-title" class="visually-hidden">${l10n.t('Tokens of the sample')}</h2>
      ${this.renderLegend()} ${tokens.length > PAGE_TOKENS ? this.renderPager(page) : nothing}
      ${
        tokens.length === 0
          ? html`<p class="muted">${l10n.t('The model sees no token of this sample.')}</p>`
          : html`<div
              class="tokens"
              role="listbox"
              aria-label=${l10n.t('Tokens')}
              aria-orientation="horizontal"
              @keydown=${this.onKey}
              @click=${this.onPoint}
              @focusin=${this.onFocus}
              @pointerover=${this.onHover}
              @pointerleave=${() => (this.hovered = null)}
            >
              ${shown.map((t, i) => this.renderToken(t, from + i))}
            </div>`
      }
      ${cut && isLast ? this.renderCut(cut) : nothing}
      <p class="token-detail number">
        ${token ? describeToken(token, described, tokens.length, !this.isLabelled) : ''}
      </p>
    </section>`;
  }

  /** What is learnt is the label of the whole text: no single token carries loss. */
  private get isLabelled(): boolean {
    return this.sample.label !== undefined;
  }

  private renderLegend(): TemplateResult {
    return html`<p class="token-legend" aria-hidden="true">
      ${
        this.isLabelled
          ? nothing
          : html`<span class="token loss">${l10n.t('carries loss')}</span>
              <span class="token">${l10n.t('no loss')}</span>`
      }
      <span class="token special">${l10n.t('special')}</span>
      <span class="token"><span class="sign">E2 82</span></span> ${l10n.t('part of a character')}
    </p>`;
  }

  private renderPager(page: number): TemplateResult {
    const count = this.sample.tokens.length;
    const last = Math.ceil(count / PAGE_TOKENS) - 1;
    const to = Math.min(count, (page + 1) * PAGE_TOKENS);
    const turn = (by: number) => (this.current = (page + by) * PAGE_TOKENS);
    return html`<div class="token-pager" role="group" aria-label=${l10n.t('Pages of tokens')}>
      <button type="button" class="text-button" ?disabled=${page === 0} @click=${() => turn(-1)}>
        ${l10n.t('Earlier')}
      </button>
      <span class="number">
        ${l10n.t('{0} to {1} of {2}', formatCount(page * PAGE_TOKENS + 1), formatCount(to), formatCount(count))}
      </span>
      <button type="button" class="text-button" ?disabled=${page === last} @click=${() => turn(1)}>
        ${l10n.t('Later')}
      </button>
    </div>`;
  }

  private renderToken(token: SampleToken, at: number): TemplateResult {
    const hasLoss = token.loss && at > 0;
    // A line end is followed by one, so that the text keeps its lines.
    const classes = { token: true, loss: hasLoss, special: token.special, breaks: token.text.includes('\n') };
    const isCurrent = at === this.current;
    return html`<span
      class=${classMap(classes)}
      role="option"
      data-at=${at}
      tabindex=${isCurrent ? 0 : -1}
      aria-selected=${isCurrent}
      aria-label=${describeToken(token, at, this.sample.tokens.length, !this.isLabelled)}
      title=${l10n.t('id {0}', token.id)}
      >${visibleParts(token).map((part) => (part.isSign ? html`<span class="sign" aria-hidden="true">${part.text}</span>` : part.text))}</span
    >`;
  }

  private renderCut({ at, total, rest }: NonNullable<SampleTokens['cut']>): TemplateResult {
    return html`<p class="token-cut">
        ${l10n.t('Cut here by max_length {0}: {1} tokens are left out.', formatCount(at), formatCount(total - at))}
      </p>
      <p class="token-rest muted">${rest}</p>`;
  }

  private readonly onPoint = (event: Event): void => {
    const at = tokenAt(event);
    if (at !== null) this.move(at);
  };

  private readonly onFocus = (event: Event): void => {
    this.current = tokenAt(event) ?? this.current;
  };

  private readonly onHover = (event: Event): void => {
    this.hovered = tokenAt(event);
  };

  private readonly onKey = (event: KeyboardEvent): void => {
    const last = this.sample.tokens.length - 1;
    const targets: Readonly<Record<string, () => number>> = {
      ArrowRight: () => this.current + 1,
      ArrowLeft: () => this.current - 1,
      ArrowDown: () => this.lineFrom(1),
      ArrowUp: () => this.lineFrom(-1),
      PageDown: () => this.current + PAGE_TOKENS,
      PageUp: () => this.current - PAGE_TOKENS,
      Home: () => 0,
      End: () => last,
    };
    const target = targets[event.key];
    if (!target || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    this.move(Math.min(last, Math.max(0, target())));
  };

  private move(to: number): void {
    this.hovered = null;
    this.current = to;
    this.wantsFocus = true;
    this.requestUpdate();
  }

  /** The token above or below the current one on the screen. */
  private lineFrom(direction: 1 | -1): number {
    const elements = [...this.querySelectorAll<HTMLElement>('.tokens > .token')];
    const own = elements.find((e) => e.dataset['at'] === String(this.current))?.getBoundingClientRect();
    if (!own) return this.current;
    const places = elements.map((e) => ({ at: Number(e.dataset['at']), box: e.getBoundingClientRect() }));
    const beyond = places.filter(({ box }) => (box.top - own.top) * direction > own.height / 2);
    const line = beyond.reduce((best, { box }) => Math.min(best, (box.top - own.top) * direction), Infinity);
    const onLine = beyond.filter(({ box }) => (box.top - own.top) * direction < line + own.height / 2);
    const distance = (box: DOMRect) => Math.abs(box.left - own.left);
    const [first] = onLine.sort((a, b) => distance(a.box) - distance(b.box));
    return first?.at ?? this.current + direction;
  }
}

function tokenAt(event: Event): number | null {
  const token = (event.target as Element).closest<HTMLElement>('.token');
  return token?.dataset['at'] === undefined ? null : Number(token.dataset['at']);
}
