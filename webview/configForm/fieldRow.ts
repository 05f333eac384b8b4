/** @file One field of the form: label, help, control, problems, and the way back to its default. */
import './pathList';
import './unionField';
import * as l10n from '@vscode/l10n';
import { html, nothing, type TemplateResult } from 'lit';
import type { Problem } from '../../kernels/protocol/errors';
import { icon } from '../shared/icon';
import { problemText } from './problems';
import type { FormField } from './schemaForm';
import { textForm } from './textForms';
import { valueAt, type Values } from './values';
import { widgetView, type WidgetContext } from './widgetView';

export interface FieldSurroundings {
  readonly values: Values;
  readonly problems: readonly Problem[];
  /** What follows from the value, in words. */
  readonly figure: string | undefined;
  readonly isHelpShown: boolean;
  readonly set: (path: FormField['path'], value: unknown) => Promise<void>;
  readonly browse: WidgetContext['browse'];
  readonly openText: () => void;
}

/** A field whose only allowed value is the one that applies leaves nothing to choose. */
export function isChoiceless(field: FormField, values: Values, problems: readonly Problem[]): boolean {
  const { widget } = field;
  if (widget.kind !== 'choice' || widget.values.length > 1 || problems.length > 0) return false;
  const value = valueAt(values, field.path);
  return value === undefined ? !field.isRequired : value === widget.values[0];
}

export function fieldRow(field: FormField, around: FieldSurroundings): TemplateResult {
  const value = valueAt(around.values, field.path);
  const isWritten = value !== undefined;
  const id = `field-${field.path.join('-')}`;
  const { problems, figure } = around;
  const isInvalid = problems.some(({ severity }) => severity === 'error');
  const context: WidgetContext = {
    path: field.path,
    label: field.label,
    value,
    default: field.default,
    isRequired: field.isRequired,
    id,
    describedBy: [problems.length > 0 ? `${id}-problems` : '', figure ? `${id}-figure` : '', `${id}-help`]
      .filter((part) => part !== '')
      .join(' '),
    isInvalid,
    set: (next) => around.set(field.path, next),
    browse: around.browse,
    openText: around.openText,
  };
  return html`<div
    class="field ${isWritten ? 'is-written' : ''} ${isInvalid ? 'is-invalid' : ''}"
    data-key=${field.path.join('.')}
  >
    <div class="field-head">
      <label for=${id}>${field.label}</label>
      ${field.isRequired ? html`<span class="muted note">${l10n.t('required')}</span>` : nothing}
      ${field.unit ? html`<span class="muted note">${field.unit}</span>` : nothing}
      ${isWritten && !field.isRequired ? resetButton(field, around) : nothing}
    </div>
    ${widgetView(field.widget, context)} ${figure ? html`<p class="figure" id="${id}-figure">${figure}</p>` : nothing}
    ${
      problems.length > 0
        ? html`<div id="${id}-problems">
            ${problems.map((p) => html`<p class="problem ${p.severity}">${icon(p.severity)} ${problemText(p)}</p>`)}
          </div>`
        : nothing
    }
    <p id="${id}-help" class="help ${around.isHelpShown ? '' : 'visually-hidden'}">
      ${field.isRequired ? html`<span class="visually-hidden">${l10n.t('Required.')}</span> ` : nothing}${helpText(field)}
    </p>
  </div>`;
}

function resetButton(field: FormField, around: FieldSurroundings): TemplateResult {
  const standard =
    field.default === undefined ? l10n.t('not set') : textForm(field.widget).format(field.default) || l10n.t('empty');
  const text = l10n.t('Reset {0} to its default: {1}', field.label, standard);
  return html`<button
    type="button"
    class="icon-button reset"
    aria-label=${text}
    title=${text}
    @click=${() => void around.set(field.path, undefined)}
  >
    ${icon('discard')}
  </button>`;
}

/** Help with the limits, and with inline code as such. */
function helpText({ help, widget }: FormField): (string | TemplateResult)[] {
  const limits = widget.kind === 'number' && widget.limits !== '' ? ` ${capitalised(widget.limits)}.` : '';
  return `${help}${limits}`.split('`').map((part, i) => (i % 2 === 1 ? html`<code>${part}</code>` : part));
}

function capitalised(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}
