/** @file A part of a matrix pooled down to the cells of a heat map, block by block, so that no matrix is too large. */
import * as l10n from '@vscode/l10n';
import { KernelError } from '../protocol/errors';
import type { Pool, Tile, TileRequest } from '../protocol/calls/inspect';
import type { BlockMatrix } from './matrixBlocks';

/** More cells than any screen has; a larger wish is a mistake. */
const MAX_CELLS = 1 << 20;
/** Values a block: large enough for the disk, small enough to be stopped between two of them. */
const BLOCK_VALUES = 1 << 19;

export interface TileWork {
  readonly signal?: AbortSignal;
  readonly onProgress?: (fraction: number) => void;
}

/** Throws `input/refused` for ranges that are not inside the matrix, `cancelled` when told to. */
export async function readTile(
  matrix: BlockMatrix,
  request: Omit<TileRequest, 'of'>,
  { signal, onProgress }: TileWork = {},
): Promise<Tile> {
  const { rows, cols, pool } = request;
  refuseOtherRanges(matrix, request);
  const height = Math.min(request.height, rows[1] - rows[0]);
  const width = Math.min(request.width, cols[1] - cols[0]);
  const cells = new Cells(rows, cols, height, width, pool);
  // Whole rows where they fit, else parts of one row.
  const blockCols = Math.min(cols[1] - cols[0], BLOCK_VALUES);
  const blockRows = Math.max(1, Math.floor(BLOCK_VALUES / Math.max(1, blockCols)));
  for (let top = rows[0]; top < rows[1]; top += blockRows) {
    for (let left = cols[0]; left < cols[1]; left += blockCols) {
      if (signal?.aborted) throw new KernelError('cancelled', 'reading a part of a matrix was cancelled');
      const block = {
        rows: [top, Math.min(rows[1], top + blockRows)],
        cols: [left, Math.min(cols[1], left + blockCols)],
      } as const;
      cells.add(block.rows, block.cols, matrix.read(block));
      onProgress?.((block.rows[1] - rows[0]) / (rows[1] - rows[0]));
      await new Promise((resume) => setImmediate(resume));
    }
  }
  return { shape: [matrix.rows, matrix.cols], rows, cols, height, width, values: cells.finish() };
}

function refuseOtherRanges(matrix: BlockMatrix, { rows, cols, height, width }: Omit<TileRequest, 'of'>): void {
  const isRange = ([from, to]: readonly [number, number], size: number): boolean =>
    Number.isInteger(from) && Number.isInteger(to) && from >= 0 && from <= to && to <= size;
  const isCount = (n: number): boolean => Number.isInteger(n) && n > 0;
  const isGood = isRange(rows, matrix.rows) && isRange(cols, matrix.cols) && isCount(height) && isCount(width);
  if (isGood && height * width <= MAX_CELLS) return;
  const found = l10n.t(
    'rows {0} and columns {1} in {2} × {3} cells',
    rows.join(' to '),
    cols.join(' to '),
    height,
    width,
  );
  const expected = l10n.t(
    'expected ranges inside [{0}, {1}] and at most {2} cells',
    matrix.rows,
    matrix.cols,
    MAX_CELLS,
  );
  throw new KernelError('input/refused', `${found}; ${expected}`);
}

/** First place of each cell of `count` over `size` places, and the end. */
const edgesOf = (size: number, count: number): readonly number[] =>
  Array.from({ length: count + 1 }, (_, cell) => Math.floor((cell * size) / count));

/** What is known of the values under each cell so far. All pools follow from it, and one loop over the values is enough. */
class Cells {
  private readonly low: Float64Array;
  private readonly high: Float64Array;
  private readonly sums: Float64Array;
  /** 1 where a value is not finite. */
  private readonly broken: Uint8Array;
  private readonly rowEdges: readonly number[];
  private readonly colEdges: readonly number[];
  private readonly isExact: boolean;

  constructor(
    private readonly rows: readonly [number, number],
    private readonly cols: readonly [number, number],
    private readonly height: number,
    private readonly width: number,
    private readonly pool: Pool,
  ) {
    const [rowCount, colCount] = [rows[1] - rows[0], cols[1] - cols[0]];
    this.rowEdges = edgesOf(rowCount, height);
    this.colEdges = edgesOf(colCount, width);
    this.isExact = height === rowCount && width === colCount;
    this.low = new Float64Array(height * width).fill(Infinity);
    this.high = new Float64Array(height * width).fill(-Infinity);
    this.sums = new Float64Array(height * width);
    this.broken = new Uint8Array(height * width);
  }

  add([top, bottom]: readonly [number, number], [left, right]: readonly [number, number], block: ArrayLike<number>) {
    const [begin, end] = [left - this.cols[0], right - this.cols[0]];
    for (let row = top; row < bottom; row++) {
      const first = this.cellOf(this.rowEdges, row - this.rows[0]) * this.width;
      const offset = (row - top) * (right - left) - begin;
      for (let cell = this.cellOf(this.colEdges, begin); cell < this.width; cell++) {
        const [from, to] = [this.colEdges[cell] as number, this.colEdges[cell + 1] as number];
        if (from >= end) break;
        this.take(first + cell, block, offset + Math.max(from, begin), offset + Math.min(to, end));
      }
    }
  }

  finish(): Float64Array {
    const values = this.pool === 'min' ? this.low : this.pool === 'mean' ? this.sums : this.high;
    for (let cell = 0; cell < values.length && !this.isExact; cell++) {
      const [low, high] = [this.low[cell] as number, this.high[cell] as number];
      // One that is not finite marks the whole cell, so that it is seen from afar.
      if (this.broken[cell] === 1) values[cell] = NaN;
      else if (this.pool === 'mean') values[cell] = (this.sums[cell] as number) / this.countOf(cell);
      // Of two values with the same magnitude the positive one.
      else if (this.pool === 'extreme') values[cell] = -low > high ? low : high;
    }
    return values;
  }

  /** The values of `block` from `from` to `to` are under one cell. */
  private take(cell: number, block: ArrayLike<number>, from: number, to: number): void {
    if (this.isExact) {
      const value = block[from] as number;
      this.low[cell] = this.high[cell] = this.sums[cell] = value;
      return;
    }
    let [low, high, sum] = [this.low[cell] as number, this.high[cell] as number, 0];
    for (let i = from; i < to; i++) {
      const value = block[i] as number;
      if (value < low) low = value;
      if (value > high) high = value;
      sum += value;
    }
    this.low[cell] = low;
    this.high[cell] = high;
    (this.sums[cell] as number) += sum;
    // A sum that is not finite may be one of large numbers.
    if (!Number.isFinite(sum) && someBroken(block, from, to)) this.broken[cell] = 1;
  }

  private countOf(cell: number): number {
    const [row, col] = [Math.floor(cell / this.width), cell % this.width];
    const span = (edges: readonly number[], i: number): number => (edges[i + 1] as number) - (edges[i] as number);
    return span(this.rowEdges, row) * span(this.colEdges, col);
  }

  private cellOf(edges: readonly number[], at: number): number {
    const count = edges.length - 1;
    let cell = Math.floor((at * count) / (edges[count] as number));
    // Division and rounding may differ by one cell.
    while ((edges[cell] as number) > at) cell--;
    while ((edges[cell + 1] as number) <= at) cell++;
    return cell;
  }
}

function someBroken(block: ArrayLike<number>, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (!Number.isFinite(block[i])) return true;
  return false;
}
