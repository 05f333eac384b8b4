/** @file The controls of a field, by kind of widget. The row that uses them registers the elements for lists and unions. */
import './draftInput';
import * as l10n from '@vscode/l10n';
import { html, type TemplateResult } from 'lit';
import type { KeyPath } from '../protocol/configForm';
import { icon } from '../shared/icon';
import { textForm } from './textForms';
import type { PathHint, Scalar, Widget } from './widgetOf';

/** What a widget needs to know of its field and its surroundings. */
export interface WidgetContext {
  readonly path: KeyPath;
  readonly label: string;
  /** What is written in the document; undefined: nothing. */
  readonly value: unknown;
  readonly default: unknown;
  readonly isRequired: boolean;
  /** Id of the control, to which the field's label is bound. */
  readonly id: string;
  /** Ids of help and problems. */
  readonly describedBy: string;
  readonly isInvalid: boolean;
  readonly set: (value: unknown) => Promise<void>;
  readonly browse: (path: KeyPath, kind: 'file' | 'folder') => void;
  readonly openText: () => void;
}

export function widgetView(widget: Widget, context: WidgetContext): TemplateResult {
  switch (widget.kind) {
    case 'text':
    case 'number':
      return draftInput(widget, context);
    case 'map':
      return draftInput(widget, context, l10n.t('name: value'));
    case 'path':
      return pathInput(widget.path, context);
    case 'flag':
      return flag(context);
    case 'choice':
      return choice(widget.values, context);
    case 'list':
      return widget.item.kind === 'path'
        ? html`<as-path-list .hint=${widget.item.path} .context=${context}></as-path-list>`
        : draftInput(widget, context, l10n.t('one on each line'));
    case 'union':
      return html`<as-union-field .variants=${widget.variants} .context=${context}></as-union-field>`;
    case 'other':
      return html`<button type="button" class="text-button" id=${context.id} @click=${context.openText}>
        ${l10n.t('Edit {0} in the text', context.label)}
      </button>`;
  }
}

export function draftInput(widget: Widget, context: WidgetContext, placeholder = ''): TemplateResult {
  const form = textForm(widget);
  const standard = form.format(context.default).replaceAll('\n', ', ');
  const empty = context.isRequired ? '' : l10n.t('not set');
  return html`<as-draft-input
    .form=${form}
    .value=${context.value}
    .onValue=${context.set}
    inputId=${context.id}
    describedBy=${context.describedBy}
    placeholder=${standard || placeholder || empty}
    ?isMultiline=${widget.kind === 'list' || widget.kind === 'map'}
    ?isNumeric=${widget.kind === 'number'}
    ?isInvalid=${context.isInvalid}
  ></as-draft-input>`;
}

function pathInput(hint: PathHint, context: WidgetContext): TemplateResult {
  return html`<div class="with-button">
    ${draftInput({ kind: 'path', path: hint }, context)} ${browseButton(hint, context, context.path, context.label)}
  </div>`;
}

export function browseButton(hint: PathHint, context: WidgetContext, path: KeyPath, label: string): TemplateResult {
  const text = l10n.t('Browse for {0}', label);
  return html`<button
    type="button"
    class="icon-button"
    aria-label=${text}
    title=${hint.kind === 'file' ? l10n.t('Choose a file') : l10n.t('Choose a folder')}
    @click=${() => context.browse(path, hint.kind)}
  >
    ${icon('folder-opened')}
  </button>`;
}

function flag(context: WidgetContext): TemplateResult {
  const isOn = typeof context.value === 'boolean' ? context.value : context.default === true;
  const text = isOn ? l10n.t('on') : l10n.t('off');
  return html`<span class="control">
    <input
      type="checkbox"
      id=${context.id}
      .checked=${isOn}
      aria-invalid=${context.isInvalid}
      aria-describedby=${context.describedBy}
      @change=${(e: Event) => void context.set((e.target as HTMLInputElement).checked)}
    />
    <span class="muted" aria-hidden="true">${context.value === undefined ? l10n.t('{0} (default)', text) : text}</span>
  </span>`;
}

function choice(values: readonly Scalar[], context: WidgetContext): TemplateResult {
  const at = values.indexOf(context.value as Scalar);
  const isUnknown = context.value !== undefined && at < 0;
  const standard = context.default === undefined ? l10n.t('not set') : l10n.t('{0} (default)', shown(context.default));
  return html`<select
    id=${context.id}
    aria-invalid=${context.isInvalid}
    aria-describedby=${context.describedBy}
    @change=${(e: Event) => void context.set(values[Number((e.target as HTMLSelectElement).value)])}
  >
    ${isUnknown ? html`<option value="unknown" disabled selected>${shown(context.value)}</option>` : ''}
    ${
      context.isRequired && context.value !== undefined
        ? ''
        : html`<option value="" .selected=${context.value === undefined} ?disabled=${context.isRequired}>
            ${context.isRequired ? l10n.t('choose…') : standard}
          </option>`
    }
    ${values.map((value, i) => html`<option value=${i} .selected=${i === at}>${String(value)}</option>`)}
  </select>`;
}

/** A value as it would be written. */
function shown(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
