/**
 * @file A text input over a value of the document. While the person types, their text stays as it is, whatever arrives; it is
 * sent when they pause, and the document's value shows again when they leave or when somebody else has changed it.
 */
import { html, type PropertyValues, type TemplateResult } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { ifDefined } from 'lit/directives/if-defined.js';
import { live } from 'lit/directives/live.js';
import { SignalElement } from '../shared/signalElement';
import type { TextForm } from './textForms';
import { isSame } from './values';

const PAUSE_MS = 400;

@customElement('as-draft-input')
export class DraftInput extends SignalElement {
  @property({ attribute: false }) value: unknown;
  @property({ attribute: false }) form!: TextForm;
  @property({ attribute: false }) onValue: (value: unknown) => Promise<void> = async () => {};
  @property() inputId = '';
  @property() describedBy = '';
  @property() placeholder = '';
  @property({ type: Boolean }) isMultiline = false;
  @property({ type: Boolean }) isNumeric = false;
  @property({ type: Boolean }) isInvalid = false;

  /** What the person has typed since they came or since it was last overtaken; null: the document's value is shown. */
  @state() private draft: string | null = null;
  @state() private refusal = '';
  private timer: ReturnType<typeof setTimeout> | undefined;
  private sending = 0;

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.send();
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (!changed.has('value') || this.draft === null || this.timer !== undefined || this.sending > 0) return;
    // Either somebody else has changed the value since it was sent, or what was sent has arrived.
    if (!this.isDraftOf(this.value) || !this.hasFocus) this.draft = null;
  }

  protected override update(changed: PropertyValues<this>): void {
    const input = this.input;
    const selection =
      input && input === document.activeElement ? [input.selectionStart, input.selectionEnd] : undefined;
    const before = input?.value;
    super.update(changed);
    // A new text moves the cursor to its end; put it back to where the person had it.
    if (input && selection && input.value !== before) input.setSelectionRange(selection[0]!, selection[1]!);
  }

  protected override render(): TemplateResult {
    const refusalId = `${this.inputId}-refusal`;
    const text = live(this.draft ?? this.form.format(this.value));
    const describedBy = [this.refusal ? refusalId : '', this.describedBy].join(' ').trim() || undefined;
    const isInvalid = this.isInvalid || this.refusal !== '';
    const field = this.isMultiline
      ? html`<textarea
          id=${this.inputId}
          rows=${Math.min(8, Math.max(2, (this.draft ?? this.form.format(this.value)).split('\n').length))}
          spellcheck="false"
          placeholder=${this.placeholder}
          aria-invalid=${isInvalid}
          aria-describedby=${ifDefined(describedBy)}
          .value=${text}
          @input=${this.onInput}
          @blur=${this.onLeave}
          @keydown=${this.onKey}
        ></textarea>`
      : html`<input
          type="text"
          id=${this.inputId}
          inputmode=${this.isNumeric ? 'decimal' : 'text'}
          autocomplete="off"
          spellcheck="false"
          placeholder=${this.placeholder}
          aria-invalid=${isInvalid}
          aria-describedby=${ifDefined(describedBy)}
          .value=${text}
          @input=${this.onInput}
          @blur=${this.onLeave}
          @keydown=${this.onKey}
        />`;
    return html`${field}${this.refusal ? html`<p class="problem error" id=${refusalId}>${this.refusal}</p>` : ''}`;
  }

  private get hasFocus(): boolean {
    return this.contains(document.activeElement);
  }

  private get input(): HTMLInputElement | HTMLTextAreaElement | null {
    return this.querySelector<HTMLInputElement | HTMLTextAreaElement>('input, textarea');
  }

  private readonly onInput = (event: Event): void => {
    this.draft = (event.target as HTMLInputElement).value;
    this.refusal = '';
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.send(), PAUSE_MS);
  };

  private readonly onKey = (event: KeyboardEvent): void => {
    if (event.key === 'Enter' && !this.isMultiline) this.send();
    if (event.key === 'Escape' && this.draft !== null) {
      clearTimeout(this.timer);
      this.timer = undefined;
      this.draft = null;
      this.refusal = '';
    }
  };

  private readonly onLeave = (): void => {
    this.send();
    // A text that could not be read, or that is still on its way, stays.
    if (this.isDraftOf(this.value)) this.draft = null;
  };

  private isDraftOf(value: unknown): boolean {
    const parsed = this.form.parse(this.draft ?? '');
    return 'value' in parsed && isSame(parsed.value, value);
  }

  /** Sends what was typed, if anything is waiting. */
  private send(): void {
    if (this.timer === undefined || this.draft === null) return;
    clearTimeout(this.timer);
    this.timer = undefined;
    const parsed = this.form.parse(this.draft);
    this.refusal = 'refusal' in parsed ? parsed.refusal : '';
    if ('refusal' in parsed || isSame(parsed.value, this.value)) return;
    void this.deliver(parsed.value);
  }

  private async deliver(value: unknown): Promise<void> {
    this.sending++;
    await this.onValue(value);
    this.sending--;
  }
}
