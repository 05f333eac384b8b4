/** @file Words for a value that was found in a configuration. */
import * as l10n from '@vscode/l10n';

/** `the text "abc"`, `the number 0`, `a list`: completes the sentence "found …". Long values are shortened. */
export function describeValue(value: unknown): string {
  if (value === null || value === undefined) return l10n.t({ message: 'nothing', comment: 'as in: found nothing' });
  if (typeof value === 'string')
    return value === '' ? l10n.t('empty text') : l10n.t('the text {0}', JSON.stringify(shorten(value)));
  if (typeof value === 'number' || typeof value === 'bigint') return l10n.t('the number {0}', String(value));
  if (typeof value === 'boolean') return String(value);
  if (Array.isArray(value)) return value.length === 0 ? l10n.t('an empty list') : l10n.t('a list of {0}', value.length);
  return l10n.t('a mapping');
}

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}
