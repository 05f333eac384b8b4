/** @file A tile of a matrix on a canvas: one colour a cell, orange below zero and blue above, and numbers where they fit. */
import { mix, parseColor, textColor, type Rgb } from '../shared/color';
import type { Tile } from '../../kernels/protocol/calls/inspect';
import type { Theme } from '../shared/theme';

/** Space around the cells for the numbers of rows and columns, in pixels. */
export const MATRIX_MARGIN = { l: 64, r: 10, t: 6, b: 22 } as const;

/** A cell smaller than this has no room for its number. */
const NUMBER_WIDTH = 44;
const NUMBER_HEIGHT = 16;

/** Colours from the most negative over zero to the most positive: lightness alone carries the size of a value. */
export function matrixColors(theme: Theme): readonly [negative: string, zero: string, positive: string] {
  const zero = mix(theme.background, theme.foreground, 0.06);
  return [theme.curves[1] ?? '#d18616', zero, theme.curves[0] ?? '#3794ff'];
}

/** The largest magnitude of the finite values: the end of the scale in both directions. */
export function scaleEnd(values: Float64Array): number {
  let end = 0;
  for (const value of values) if (Number.isFinite(value)) end = Math.max(end, Math.abs(value));
  return end;
}

/** 256 steps for each sign; a root brings out small values, of which a weight matrix mostly consists. */
export function colorScale(theme: Theme, end: number): (value: number) => Rgb {
  const [negative, zero, positive] = matrixColors(theme);
  const ramp = (color: string): Rgb[] =>
    Array.from({ length: 256 }, (_, i) => {
      const share = i / 255;
      // Beyond the colour towards the text's own, so that the strongest values stand out.
      return parseColor(
        share < 0.75 ? mix(zero, color, share / 0.75) : mix(color, theme.foreground, (share - 0.75) * 1.6),
      );
    });
  const [below, above] = [ramp(negative), ramp(positive)];
  const broken = parseColor(theme.warning);
  return (value) => {
    if (!Number.isFinite(value)) return broken;
    const step = end === 0 ? 0 : Math.round(Math.sqrt(Math.min(1, Math.abs(value) / end)) * 255);
    return (value < 0 ? below : above)[step]!;
  };
}

export interface MatrixView {
  readonly width: number;
  readonly height: number;
  /** Pixels of the screen for one of the page. */
  readonly density: number;
}

export const hasNumbers = (tile: Tile, { width, height }: MatrixView): boolean => {
  const [w, h] = cellSize(tile, { width, height });
  return w >= NUMBER_WIDTH && h >= NUMBER_HEIGHT;
};

/** Width and height of a cell in pixels. */
export function cellSize(
  tile: Tile,
  { width, height }: Pick<MatrixView, 'width' | 'height'>,
): readonly [number, number] {
  return [
    (width - MATRIX_MARGIN.l - MATRIX_MARGIN.r) / Math.max(1, tile.width),
    (height - MATRIX_MARGIN.t - MATRIX_MARGIN.b) / Math.max(1, tile.height),
  ];
}

export function drawTile(
  canvas: HTMLCanvasElement,
  tile: Tile,
  view: MatrixView,
  theme: Theme,
  format: (value: number) => string,
): void {
  const { width, height, density } = view;
  canvas.width = Math.round(width * density);
  canvas.height = Math.round(height * density);
  const context = canvas.getContext('2d');
  if (!context) throw new Error('The browser gives no canvas to draw on.');
  context.scale(density, density);
  const colorOf = colorScale(theme, scaleEnd(tile.values));
  drawCells(context, tile, view, colorOf);
  if (hasNumbers(tile, view)) drawNumbers(context, tile, view, colorOf, theme, format);
  drawEdges(context, tile, view, theme);
}

/** The cells as a small picture that is stretched without smoothing: as fast for a million cells as for ten. */
function drawCells(
  context: CanvasRenderingContext2D,
  tile: Tile,
  { width, height }: MatrixView,
  colorOf: (value: number) => Rgb,
): void {
  if (tile.width === 0 || tile.height === 0) return;
  const cells = document.createElement('canvas');
  cells.width = tile.width;
  cells.height = tile.height;
  const target = cells.getContext('2d');
  if (!target) return;
  const image = target.createImageData(tile.width, tile.height);
  tile.values.forEach((value, i) => {
    const [r, g, b] = colorOf(value);
    image.data.set([r, g, b, 255], i * 4);
  });
  target.putImageData(image, 0, 0);
  context.imageSmoothingEnabled = false;
  const { l, r, t, b } = MATRIX_MARGIN;
  context.drawImage(cells, l, t, width - l - r, height - t - b);
}

function drawNumbers(
  context: CanvasRenderingContext2D,
  tile: Tile,
  view: MatrixView,
  colorOf: (value: number) => Rgb,
  theme: Theme,
  format: (value: number) => string,
): void {
  const [w, h] = cellSize(tile, view);
  context.font = `${Math.min(theme.fontSize - 1, 12)}px ${theme.fontFamily}`;
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  tile.values.forEach((value, i) => {
    const [col, row] = [i % tile.width, Math.floor(i / tile.width)];
    context.fillStyle = textColor(colorOf(value));
    context.fillText(format(value), MATRIX_MARGIN.l + (col + 0.5) * w, MATRIX_MARGIN.t + (row + 0.5) * h, w - 4);
  });
}

/** The first and last row and column in words of the whole matrix, and some between. */
function drawEdges(context: CanvasRenderingContext2D, tile: Tile, { width, height }: MatrixView, theme: Theme): void {
  const { l, r, t, b } = MATRIX_MARGIN;
  context.font = `${theme.fontSize - 2}px ${theme.fontFamily}`;
  context.fillStyle = theme.muted;
  context.strokeStyle = theme.muted;
  context.lineWidth = 0.5;
  context.strokeRect(l, t, width - l - r, height - t - b);
  context.textBaseline = 'middle';
  context.textAlign = 'right';
  for (const { at, share } of ticks(tile.rows, Math.floor((height - t - b) / 28))) {
    context.fillText(String(at), l - 6, t + share * (height - t - b));
  }
  context.textBaseline = 'top';
  context.textAlign = 'center';
  for (const { at, share } of ticks(tile.cols, Math.floor((width - l - r) / 64))) {
    context.fillText(String(at), l + share * (width - l - r), height - b + 5);
  }
}

/** Round places of a part, and how far along each one's middle is. */
function ticks([from, to]: readonly [number, number], most: number): readonly { at: number; share: number }[] {
  const span = to - from;
  const power = 10 ** Math.floor(Math.log10(Math.max(1, span / Math.max(1, most))));
  const step = power * ([1, 2, 5, 10].find((n) => span / (n * power) <= Math.max(1, most)) ?? 10);
  const first = Math.ceil(from / step) * step;
  const count = Math.max(0, Math.ceil((to - first) / step));
  return Array.from({ length: count }, (_, i) => first + i * step).map((at) => ({
    at,
    share: (at + 0.5 - from) / span,
  }));
}
