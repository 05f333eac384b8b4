/** @file Which part of a matrix a heat map shows, and how it moves: pure arithmetic on half-open ranges. */

export type Part = readonly [from: number, to: number];

export interface MatrixWindow {
  readonly rows: Part;
  readonly cols: Part;
}

export interface Place {
  readonly row: number;
  readonly col: number;
}

/** Fewer values than this are not zoomed in to. */
const SMALLEST = 4;

export const wholeWindow = ([rows, cols]: readonly [number, number]): MatrixWindow => ({
  rows: [0, rows],
  cols: [0, cols],
});

/** Smaller by `factor` (larger where it is above 1), with `at` staying where it is on the screen. */
export function zoomed(
  { rows, cols }: MatrixWindow,
  shape: readonly [number, number],
  factor: number,
  at: Place,
): MatrixWindow {
  return {
    rows: zoomedPart(rows, shape[0], factor, at.row),
    cols: zoomedPart(cols, shape[1], factor, at.col),
  };
}

function zoomedPart([from, to]: Part, size: number, factor: number, at: number): Part {
  const span = to - from;
  const smallest = Math.min(SMALLEST, size);
  const next = Math.max(smallest, Math.min(size, Math.round(span * factor)));
  const share = span > 0 ? (at + 0.5 - from) / span : 0.5;
  return placed(Math.round(at + 0.5 - share * next), next, size);
}

/** A part of this length that begins at `from` as far as the matrix allows. */
function placed(from: number, length: number, size: number): Part {
  const start = Math.max(0, Math.min(size - length, from));
  return [start, start + length];
}

/** Moved so that `place` is inside, and no further. */
export function showing(window: MatrixWindow, shape: readonly [number, number], { row, col }: Place): MatrixWindow {
  return { rows: shownPart(window.rows, shape[0], row), cols: shownPart(window.cols, shape[1], col) };
}

function shownPart([from, to]: Part, size: number, at: number): Part {
  if (at < from) return placed(at, to - from, size);
  return at >= to ? placed(at + 1 - (to - from), to - from, size) : [from, to];
}

/** Moved by whole windows. */
export function paged(
  { rows, cols }: MatrixWindow,
  shape: readonly [number, number],
  byRows: number,
  byCols: number,
): MatrixWindow {
  const move = ([from, to]: Part, size: number, by: number): Part => placed(from + by * (to - from), to - from, size);
  return { rows: move(rows, shape[0], byRows), cols: move(cols, shape[1], byCols) };
}

/** Values under cell `index` of `count` cells over a part; as the engine pools them. */
export function cellPart([from, to]: Part, count: number, index: number): Part {
  const span = to - from;
  return [from + Math.floor((index * span) / count), from + Math.floor(((index + 1) * span) / count)];
}

/** The cell that covers a place. */
export function cellAt(part: Part, count: number, at: number): number {
  let cell = Math.min(count - 1, Math.floor(((at - part[0]) * count) / (part[1] - part[0])));
  // Division and rounding may differ by one cell.
  while (cell > 0 && cellPart(part, count, cell)[0] > at) cell--;
  while (cell < count - 1 && cellPart(part, count, cell)[1] <= at) cell++;
  return cell;
}

export const sameWindow = (a: MatrixWindow, b: MatrixWindow): boolean =>
  a.rows.join() === b.rows.join() && a.cols.join() === b.cols.join();
