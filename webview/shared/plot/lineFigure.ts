/** @file What a line plot shows, independent of how it is drawn: curves, axes, marks. */

export type Dash = 'solid' | 'dash' | 'dot' | 'dashdot' | 'longdash' | 'longdashdot';
/** Curves are told apart by dash as well as by colour. */
export const DASHES: readonly Dash[] = ['solid', 'dash', 'dot', 'dashdot', 'longdash', 'longdashdot'];

export interface CurveStyle {
  readonly color: string;
  readonly dash: Dash;
  readonly width: number;
  readonly opacity?: number;
  /** Draws a marker at every point. */
  readonly symbol?: 'circle' | 'diamond' | 'square';
  /** Draws a filled step around every point: the bars of a histogram, whose points stand in the middle of their bins. */
  readonly isStepped?: boolean;
}

export interface Curve {
  readonly name: string;
  /** Curves with the same key are one entry of the legend; empty: in no legend, always shown. */
  readonly legendKey: string;
  readonly x: ArrayLike<number>;
  readonly y: ArrayLike<number | null>;
  readonly style: CurveStyle;
}

export type AxisKind = 'number' | 'count' | 'short' | 'duration' | 'bytes' | 'exponent';

export interface Axis {
  readonly label: string;
  readonly kind: AxisKind;
}

/** A vertical line, for instance where a run was resumed. */
export interface Mark {
  readonly x: number;
  readonly label: string;
  /** A word or two that stand beside the line where there is room; without them the line has its head alone. */
  readonly short?: string;
  /** Something went wrong here: another head, so that it is found among marks of other kinds. */
  readonly isAlarm?: boolean;
}

export type Range = readonly [number, number];

export interface LineFigure {
  readonly title: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly isLogY: boolean;
  readonly curves: readonly Curve[];
  readonly marks: readonly Mark[];
  /** Shown in place of the plot while no curve has a point. */
  readonly emptyText: string;
}

export function isEmpty(figure: LineFigure): boolean {
  return figure.curves.every((curve) => curve.x.length === 0);
}

/** Those that are in sight, in order. */
export function marksInside({ marks }: LineFigure, [low, high]: Range): readonly Mark[] {
  return marks.filter(({ x }) => x >= low && x <= high).sort((a, b) => a.x - b.x);
}

export function withoutHidden(figure: LineFigure, hidden: ReadonlySet<string>): LineFigure {
  return { ...figure, curves: figure.curves.filter((curve) => !hidden.has(curve.legendKey)) };
}
