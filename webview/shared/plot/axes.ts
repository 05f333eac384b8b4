/** @file Axes in the words of the plot library, and the same values as text for tooltips, tables and screen readers. */
import { formatBytes, formatCount, formatDuration, formatNumber, formatShort } from '../format';
import type { AxisKind, Range } from './lineFigure';

const FORMATS: Readonly<Record<AxisKind, (value: number) => string>> = {
  number: formatNumber,
  count: formatCount,
  short: formatShort,
  duration: formatDuration,
  bytes: formatBytes,
  exponent: formatNumber,
};

export function formatValue(kind: AxisKind, value: number): string {
  return FORMATS[kind](value);
}

/** Options of an axis that decide its ticks. `count`: how many of them have room. */
export function tickOptions(kind: AxisKind, range: Range, count: number): object {
  switch (kind) {
    case 'duration':
      return durationTicks(range, count);
    case 'bytes':
      return { tickformat: '~s', ticksuffix: 'B', nticks: count };
    case 'short':
      return { tickformat: '~s', nticks: count };
    case 'exponent':
      return { exponentformat: 'e', nticks: count };
    case 'count':
      // No half steps.
      return range[1] - range[0] < count ? { dtick: 1 } : { separatethousands: true, nticks: count };
    case 'number':
      return { exponentformat: 'SI', separatethousands: true, nticks: count };
  }
}

/** Ticks at 1, 2 and 5 times powers of ten, at powers of ten alone, or at every few of them: as many as have room. */
export function logTicks(kind: AxisKind, [low, high]: Range, count: number): object {
  const first = Math.floor(Math.log10(low));
  const last = Math.ceil(Math.log10(high));
  const powers = Array.from({ length: last - first + 1 }, (_, i) => Number(`1e${first + i}`));
  const inside = (ticks: readonly number[]) => ticks.filter((tick) => tick >= low && tick <= high);
  const every = Math.max(1, Math.ceil(powers.length / count));
  const choices = [powers.flatMap((p) => [p, 2 * p, 5 * p]), powers, powers.filter((_, i) => i % every === 0)];
  const tickvals = choices.map(inside).find((ticks) => ticks.length <= count) ?? [];
  // Over less than a power of ten a logarithmic axis is nearly even.
  const even = tickvals.length >= 2 ? tickvals : evenTicks(low, high, count);
  return { tickmode: 'array', tickvals: even, ticktext: even.map((tick) => formatValue(kind, tick)) };
}

/** At most about `count` ticks at multiples of 1, 2 or 5 times a power of ten. */
function evenTicks(low: number, high: number, count: number): number[] {
  const wanted = (high - low) / Math.max(1, count - 1);
  const power = 10 ** Math.floor(Math.log10(wanted));
  const step = power * ([1, 2, 5].find((n) => n * power >= wanted) ?? 10);
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.max(0, Math.floor(high / step) - first + 1) }, (_, i) => (first + i) * step);
}

const DURATION_STEPS = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800,
];

/** Ticks at round minutes and hours, which no option of the library gives for durations. */
function durationTicks([low, high]: Range, count: number): { tickvals: number[]; ticktext: string[] } {
  const wanted = (high - low) / count;
  const step = DURATION_STEPS.find((s) => s >= wanted) ?? Math.ceil(wanted / 604_800) * 604_800;
  const tickvals: number[] = [];
  for (let tick = Math.ceil(low / step) * step; tick <= high; tick += step) tickvals.push(tick);
  return { tickvals, ticktext: tickvals.map((tick) => (tick === 0 ? '0' : formatDuration(tick))) };
}
