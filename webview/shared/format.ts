/** @file Numbers, sizes and times as people read them. Every place that shows a value uses these. */

import * as l10n from '@vscode/l10n';
/** Shown where a number is not known. */
export const UNKNOWN = '–';

/** Four significant digits: `2.307`, `0.0002`, `1.2e-7`. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value))
    return Number.isNaN(value) ? l10n.t('not a number') : value > 0 ? l10n.t('infinite') : l10n.t('−infinite');
  if (value === 0) return '0';
  const size = Math.abs(value);
  const rounded = Number(value.toPrecision(4));
  return size < 1e-4 || size >= 1e7 ? trimExponent(rounded.toExponential()) : String(rounded);
}

/** `12,345` */
export function formatCount(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** `4.88 M`, for parameters and tokens. */
export function formatShort(value: number): string {
  const scales: readonly [number, string][] = [
    [1e12, ' T'],
    [1e9, ' B'],
    [1e6, ' M'],
    [1e3, ' k'],
  ];
  for (const [scale, suffix] of scales) {
    if (Math.abs(value) >= scale) return `${Number((value / scale).toPrecision(3))}${suffix}`;
  }
  return formatNumber(value);
}

/** `812 MB`, decimal as tools for processes show it. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = bytes > 0 ? Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3)) : 0;
  return `${Number((bytes / 1000 ** power).toPrecision(3))} ${units[power]}`;
}

/** `42 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`. */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds)) return UNKNOWN;
  const s = Math.round(seconds);
  if (Math.abs(s) < 60) return l10n.t('{0} s', s);
  if (s < 3600) return withRest(l10n.t('{0} min', Math.floor(s / 60)), s % 60, l10n.t('{0} s', s % 60));
  // Rounded to the smaller unit first, so that nothing becomes 1 h 60 min.
  const minutes = Math.round(s / 60);
  if (minutes < 24 * 60) {
    return withRest(l10n.t('{0} h', Math.floor(minutes / 60)), minutes % 60, l10n.t('{0} min', minutes % 60));
  }
  const hours = Math.round(minutes / 60);
  return withRest(l10n.t('{0} d', Math.floor(hours / 24)), hours % 24, l10n.t('{0} h', hours % 24));
}

/** `12.5 %`; small shares keep two digits: `0.36 %`. */
export function formatShare(fraction: number): string {
  const percent = fraction * 100;
  return `${Number(percent.toPrecision(percent >= 10 ? 3 : 2))} %`;
}

/** Local time of day, with the date when it is not today. */
export function formatClock(secondsSince1970: number, now: Date): string {
  const date = new Date(secondsSince1970 * 1000);
  const time = date.toLocaleTimeString('en-GB');
  return date.toDateString() === now.toDateString() ? time : `${date.toLocaleDateString('en-CA')} ${time}`;
}

/** `3 min 20 s`; the rest is left out where it is 0. */
function withRest(large: string, rest: number, small: string): string {
  return rest === 0 ? large : `${large} ${small}`;
}

function trimExponent(text: string): string {
  return text.replace('e+', 'e');
}
