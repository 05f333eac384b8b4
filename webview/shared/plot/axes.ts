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
    case 'number':
    case 'count':
      return { exponentformat: 'SI', separatethousands: true, nticks: count };
  }
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
