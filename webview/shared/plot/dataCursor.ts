/** @file Which values lie at a place of a line plot: the same answer for the mouse, the arrow keys and the screen reader. */
import * as l10n from '@vscode/l10n';
import { formatValue } from './axes';
import type { Curve, LineFigure, Mark, Range } from './lineFigure';

export interface Reading {
  readonly x: number;
  readonly entries: readonly { readonly curve: Curve; readonly value: number }[];
  readonly marks: readonly Mark[];
}

/** Index of the x nearest to a value; x ascends. -1 without points. */
export function nearestIndex(xs: ArrayLike<number>, x: number): number {
  let low = 0;
  let high = xs.length - 1;
  if (high < 0) return -1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (xs[middle]! < x) low = middle + 1;
    else high = middle;
  }
  return low > 0 && x - xs[low - 1]! < xs[low]! - x ? low - 1 : low;
}

/** What the curves say at a place; undefined where there is no point. Sparse curves answer only close to one of their points. */
export function readingAt(figure: LineFigure, place: number, range: Range): Reading | undefined {
  const candidates = figure.curves.flatMap(({ x }) => {
    const i = nearestIndex(x, place);
    return i < 0 || x[i]! < range[0] || x[i]! > range[1] ? [] : [x[i]!];
  });
  if (candidates.length === 0) return undefined;
  const x = candidates.reduce((best, c) => (Math.abs(c - place) < Math.abs(best - place) ? c : best));
  const tolerance = (range[1] - range[0]) * 0.006;
  const entries = figure.curves.flatMap((curve) => {
    const i = nearestIndex(curve.x, x);
    const value = curve.y[i];
    return i >= 0 && Math.abs(curve.x[i]! - x) <= tolerance && typeof value === 'number' ? [{ curve, value }] : [];
  });
  return { x, entries, marks: figure.marks.filter((mark) => Math.abs(mark.x - x) <= tolerance) };
}

/** The x of the point that is `by` points further on a curve, kept inside the range. */
export function stepOn(
  curve: Pick<Curve, 'x'>,
  from: number | undefined,
  by: number,
  range: Range,
): number | undefined {
  const first = lowerBound(curve.x, range[0]);
  const last = lowerBound(curve.x, range[1] + Number.EPSILON * Math.abs(range[1])) - 1;
  if (last < first) return undefined;
  if (from === undefined) return curve.x[by < 0 ? last : first];
  return curve.x[clamp(nearestIndex(curve.x, from) + by, first, last)];
}

/** More values than this at one place are not taken in, by eye or by ear; the table has all. */
export const MAX_ENTRIES = 12;

/** "step 120: train loss 2.31, eval loss 2.4", and what is marked there. */
export function describeReading(figure: LineFigure, { x, entries, marks }: Reading): string {
  const values = entries
    .slice(0, MAX_ENTRIES)
    .map(({ curve, value }) => `${curve.name} ${formatValue(figure.y.kind, value)}`);
  if (entries.length > MAX_ENTRIES) values.push(l10n.t('and {0} more', entries.length - MAX_ENTRIES));
  const read = `${figure.x.label} ${formatValue(figure.x.kind, x)}: ${values.join(', ') || l10n.t('no value')}`;
  return [read, ...marks.map(({ label }) => label)].join('. ');
}

function lowerBound(xs: ArrayLike<number>, x: number): number {
  let low = 0;
  let high = xs.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (xs[middle]! < x) low = middle + 1;
    else high = middle;
  }
  return low;
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
