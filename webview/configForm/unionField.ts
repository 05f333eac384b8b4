/** @file A value of one of several shapes, such as `all-linear`, a list or a regular expression: which one, and its control. */
import { html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { SignalElement } from '../shared/signalElement';
import { fits, type Variant } from './widgetOf';
import { widgetView, type WidgetContext } from './widgetView';

@customElement('as-union-field')
export class UnionField extends SignalElement {
  @property({ attribute: false }) variants: readonly Variant[] = [];
  @property({ attribute: false }) context!: WidgetContext;

  /** Index of the shape whose control is shown; it may have been chosen before a value of that shape is there. */
  @state() private index = 0;

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (!changed.has('context')) return;
    const before = changed.get('context');
    const { value } = this.context;
    // Another value can bring another shape; the shape that is shown stays as long as the value fits it.
    if (before && Object.is(before.value, value)) return;
    const shown = value === undefined && !before ? this.context.default : value;
    if (shown === undefined && before) return;
    const current = this.variants[this.index];
    if (before && current && fits(current.widget, shown)) return;
    this.index = Math.max(
      0,
      this.variants.findIndex(({ widget }) => fits(widget, shown)),
    );
  }

  protected override render(): TemplateResult {
    const { context } = this;
    const variant = this.variants[this.index];
    const isFixed = variant?.widget.kind === 'choice' && variant.widget.values.length === 1;
    const value = variant && fits(variant.widget, context.value) ? context.value : undefined;
    const standard = variant && fits(variant.widget, context.default) ? context.default : undefined;
    const id = `${context.id}-value`;
    return html`<div class="rows">
      <select
        id=${context.id}
        aria-invalid=${isFixed && context.isInvalid}
        aria-describedby=${context.describedBy}
        @change=${(e: Event) => this.choose(Number((e.target as HTMLSelectElement).value))}
      >
        ${this.variants.map(({ label }, i) => html`<option value=${i} .selected=${i === this.index}>${label}</option>`)}
      </select>
      ${
        variant && !isFixed
          ? html`<label class="visually-hidden" for=${id}>${context.label}: ${variant.label}</label>
              ${widgetView(variant.widget, { ...context, id, value, default: standard })}`
          : nothing
      }
    </div>`;
  }

  /** A shape with only one value is that value; for the others the person has yet to say which, as far as it cannot be carried over. */
  private choose(index: number): void {
    this.index = index;
    const widget = this.variants[index]?.widget;
    if (!widget) return;
    const { value, set } = this.context;
    if (widget.kind === 'choice' && widget.values.length === 1) void set(widget.values[0]);
    else if (widget.kind === 'list' && fits(widget.item, value)) void set([value]);
    else if (Array.isArray(value) && value.length === 1 && fits(widget, value[0])) void set(value[0]);
  }
}
