/** @file A list of files or folders: one row each, with buttons to browse, remove and add. */
import * as l10n from '@vscode/l10n';
import { html, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import { icon } from '../shared/icon';
import { SignalElement } from '../shared/signalElement';
import type { PathHint } from './widgetOf';
import { browseButton, draftInput, type WidgetContext } from './widgetView';

@customElement('as-path-list')
export class PathList extends SignalElement {
  @property({ attribute: false }) hint!: PathHint;
  @property({ attribute: false }) context!: WidgetContext;

  protected override render(): TemplateResult {
    const { context, hint } = this;
    const items = Array.isArray(context.value) ? (context.value as readonly unknown[]) : [];
    return html`<div class="rows" role="group" aria-label=${context.label}>
      ${items.map((item, i) => this.renderRow(item, i, items))}
      <button
        type="button"
        class="text-button"
        id=${items.length === 0 ? context.id : `${context.id}-add`}
        @click=${() => context.browse([...context.path, items.length], hint.kind)}
      >
        ${icon('add')} ${hint.kind === 'file' ? l10n.t('Add a file') : l10n.t('Add a folder')}
      </button>
    </div>`;
  }

  private renderRow(item: unknown, i: number, items: readonly unknown[]): TemplateResult {
    const { context, hint } = this;
    const label = `${context.label} ${i + 1}`;
    const id = i === 0 ? context.id : `${context.id}-${i}`;
    const withItem = (value: unknown) =>
      context.set(value === undefined ? without(items, i) : items.map((other, k) => (k === i ? value : other)));
    const row: WidgetContext = { ...context, label, value: item, id, set: withItem, isRequired: true };
    return html`<div class="with-button">
      ${i === 0 ? '' : html`<label class="visually-hidden" for=${id}>${label}</label>`}
      ${draftInput({ kind: 'path', path: hint }, row)} ${browseButton(hint, context, [...context.path, i], label)}
      <button
        type="button"
        class="icon-button"
        aria-label=${l10n.t('Remove {0}', label)}
        title=${l10n.t('Remove')}
        @click=${() => void context.set(without(items, i))}
      >
        ${icon('close')}
      </button>
    </div>`;
  }
}

/** An empty list is the same as none. */
function without(items: readonly unknown[], i: number): readonly unknown[] | undefined {
  const rest = items.filter((_, k) => k !== i);
  return rest.length > 0 ? rest : undefined;
}
