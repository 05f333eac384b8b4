/** @file A slider over the recorded steps, with a button that plays through them. */
import * as l10n from '@vscode/l10n';
import { html, type TemplateResult } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { formatCount } from '../shared/format';
import { icon } from '../shared/icon';
import { SignalElement } from '../shared/signalElement';

const FRAME_MS = 250;

@customElement('as-step-slider')
export class StepSlider extends SignalElement {
  @property({ attribute: false }) steps: readonly number[] = [];
  /** Index of the step that is shown. */
  @property({ type: Number }) index = 0;
  @property({ attribute: false }) onIndex: (index: number) => void = () => {};

  @state() private timer: ReturnType<typeof setInterval> | undefined;

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.pause();
  }

  protected override render(): TemplateResult {
    const isPlaying = this.timer !== undefined;
    const last = Math.max(0, this.steps.length - 1);
    const step = formatCount(this.steps[this.index] ?? 0);
    const label = isPlaying ? l10n.t('Pause') : l10n.t('Play through the steps');
    return html`<div class="step-slider">
      <button
        type="button"
        class="icon-button"
        aria-label=${label}
        title=${label}
        ?disabled=${last === 0}
        @click=${() => (isPlaying ? this.pause() : this.play())}
      >
        ${icon(isPlaying ? 'debug-pause' : 'play')}
      </button>
      <label class="control"
        >${l10n.t('Step')}
        <input
          type="range"
          min="0"
          max=${last}
          step="1"
          ?disabled=${last === 0}
          aria-valuetext=${l10n.t('step {0}', step)}
          .value=${String(this.index)}
          @input=${this.onInput}
        />
      </label>
      <output class="number">${step}</output>
    </div>`;
  }

  private readonly onInput = (event: Event): void => {
    this.pause();
    this.onIndex(Number((event.target as HTMLInputElement).value));
  };

  private play(): void {
    if (this.index >= this.steps.length - 1) this.onIndex(0);
    this.timer = setInterval(() => {
      const next = Math.min(this.index + 1, this.steps.length - 1);
      this.onIndex(next);
      if (next === this.steps.length - 1) this.pause();
    }, FRAME_MS);
  }

  private pause(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }
}
