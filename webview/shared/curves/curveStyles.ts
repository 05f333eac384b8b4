/** @file Which curve looks how: colour from the theme and a dash, so that no two in a plot differ by colour only. */
import { DASHES, type CurveStyle } from '../plot/lineFigure';
import type { Theme } from '../theme';

/** The i-th of several equal curves. Colours and dashes run through cycles of different length, so pairs repeat late. */
export function styleOf(i: number, theme: Theme, width = 1.8): CurveStyle {
  return { color: theme.curves[i % theme.curves.length]!, dash: DASHES[i % DASHES.length]!, width };
}

/** The raw values behind a smoothed curve: there, but quiet. */
export function rawStyle(style: CurveStyle, theme: Theme): CurveStyle {
  return { ...style, dash: 'solid', width: 1, opacity: theme.kind.startsWith('high-contrast') ? 0.6 : 0.35 };
}
