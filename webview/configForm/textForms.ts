/** @file Values as the text of an input, and back. What cannot be read back is refused in words. */
import * as l10n from '@vscode/l10n';
import { formatNumber } from '../shared/format';
import type { Widget } from './widgetOf';
import { isObject } from './values';

/** `value` undefined: nothing is written, so the key is removed and its default applies. */
export type Parsed = { readonly value: unknown } | { readonly refusal: string };

export interface TextForm {
  format(value: unknown): string;
  parse(text: string): Parsed;
}

export function textForm(widget: Widget): TextForm {
  switch (widget.kind) {
    case 'number':
      return numberForm(widget.isInteger);
    case 'list':
      return listForm(textForm(widget.item));
    case 'map':
      return mapForm(textForm(widget.item));
    default:
      return plainForm;
  }
}

const plainForm: TextForm = {
  format: (value) =>
    value === undefined || value === null ? '' : typeof value === 'string' ? value : JSON.stringify(value),
  parse: (text) => ({ value: text.trim() === '' ? undefined : text.trim() }),
};

function numberForm(isInteger: boolean): TextForm {
  return {
    // A value that is not a number is shown as it is, so that the person sees what is wrong.
    format: (value) => (typeof value === 'number' ? numberText(value) : plainForm.format(value)),
    parse: (text) => {
      const trimmed = text.trim();
      if (trimmed === '') return { value: undefined };
      const value = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(trimmed) ? Number(trimmed) : NaN;
      if (!Number.isFinite(value)) return { refusal: l10n.t('“{0}” is not a number.', trimmed) };
      if (isInteger && !Number.isInteger(value)) return { refusal: l10n.t('{0} is not a whole number.', trimmed) };
      return { value };
    },
  };
}

/** Exact, but `2e-7` rather than `0.0000002`. */
function numberText(value: number): string {
  const short = formatNumber(value);
  return Number(short) === value ? short : String(value);
}

/** One item a line; commas separate too, since names and numbers have none. */
function listForm(item: TextForm): TextForm {
  return {
    format: (value) => (Array.isArray(value) ? value.map((v) => item.format(v)).join('\n') : plainForm.format(value)),
    parse: (text) => {
      const values: unknown[] = [];
      for (const line of text.split(/[\n,]/).filter((part) => part.trim() !== '')) {
        const parsed = item.parse(line);
        if ('refusal' in parsed) return parsed;
        values.push(parsed.value);
      }
      return { value: values.length > 0 ? values : undefined };
    },
  };
}

/** `name: value` on each line; the name may itself hold colons. */
function mapForm(item: TextForm): TextForm {
  return {
    format: (value) =>
      isObject(value)
        ? Object.entries(value)
            .map(([name, v]) => `${name}: ${item.format(v)}`)
            .join('\n')
        : plainForm.format(value),
    parse: (text) => {
      const entries: [string, unknown][] = [];
      for (const line of text.split('\n').filter((part) => part.trim() !== '')) {
        const colon = line.lastIndexOf(':');
        const name = line.slice(0, Math.max(0, colon)).trim();
        const parsed = item.parse(line.slice(colon + 1));
        if ('refusal' in parsed) return parsed;
        if (name === '' || parsed.value === undefined) {
          return { refusal: l10n.t('“{0}” is not a name, a colon and a value.', line.trim()) };
        }
        entries.push([name, parsed.value]);
      }
      return { value: entries.length > 0 ? Object.fromEntries(entries) : undefined };
    },
  };
}
