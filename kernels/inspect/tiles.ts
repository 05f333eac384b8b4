/** @file A part of a matrix pooled down to the cells of a heat map, block by block, so that no matrix is too large. */
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
  const found = `rows ${rows.join(' to ')} and columns ${cols.join(' to ')} in ${height} × ${width} cells`;
  const expected = `expected ranges inside [${matrix.rows}, ${matrix.cols}] and at most ${MAX_CELLS} cells`;
  throw new KernelError('input/refused', `${found}; ${expected}`);
}

/** Which cell of `count` covers each of `size` places. */
function cellsOf(size: number, count: number): Int32Array {
  const cells = new Int32Array(size);
  for (let cell = 0; cell < count; cell++) {
    const [from, to] = [Math.floor((cell * size) / count), Math.floor(((cell + 1) * size) / count)];
    cells.fill(cell, from, to);
  }
  return cells;
}

class Cells {
  private readonly values: Float64Array;
  /** Values under each cell, for the mean. */
  private readonly counts: Float64Array;
  private readonly rowCells: Int32Array;
  private readonly colCells: Int32Array;
  private readonly isExact: boolean;

  constructor(
    private readonly rows: readonly [number, number],
    private readonly cols: readonly [number, number],
    height: number,
    private readonly width: number,
    private readonly pool: Pool,
  ) {
    const [rowCount, colCount] = [rows[1] - rows[0], cols[1] - cols[0]];
    this.rowCells = cellsOf(rowCount, height);
    this.colCells = cellsOf(colCount, width);
    this.isExact = height === rowCount && width === colCount;
    const start = pool === 'max' ? -Infinity : pool === 'min' ? Infinity : 0;
    this.values = new Float64Array(height * width).fill(start);
    this.counts = new Float64Array(height * width);
  }

  add([top, bottom]: readonly [number, number], [left, right]: readonly [number, number], block: ArrayLike<number>) {
    let at = 0;
    for (let row = top; row < bottom; row++) {
      const first = (this.rowCells[row - this.rows[0]] as number) * this.width;
      for (let col = left; col < right; col++) {
        this.take(first + (this.colCells[col - this.cols[0]] as number), block[at++] as number);
      }
    }
  }

  finish(): Float64Array {
    if (this.pool === 'mean' && !this.isExact) {
      this.counts.forEach((count, cell) => (this.values[cell] = (this.values[cell] as number) / count));
    }
    return this.values;
  }

  private take(cell: number, value: number): void {
    const { values } = this;
    const before = values[cell] as number;
    if (this.isExact) values[cell] = value;
    // One that is not finite marks the whole cell, so that it is seen from afar.
    else if (!(Math.abs(value) <= Number.MAX_VALUE)) values[cell] = NaN;
    else if (this.pool === 'max') values[cell] = Math.max(before, value);
    else if (this.pool === 'min') values[cell] = Math.min(before, value);
    else if (this.pool === 'extreme') {
      if (Math.abs(value) > Math.abs(before)) values[cell] = value;
    } else {
      values[cell] = before + value;
      (this.counts[cell] as number)++;
    }
  }
}
