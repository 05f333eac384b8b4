/** @file Matrices that are read block by block: a tensor in its file, or a delta weight of which only the factors exist. */
import * as l10n from '@vscode/l10n';
import type { DeltaFactors } from '../analysis/spectrum';
import { DTYPE_BITS, elementCount } from '../formats/dtype';
import { KernelError } from '../protocol/errors';
import { decodeNumbers } from './decodeNumbers';
import type { TensorSource } from '../formats/tensorRanges';

/** Half-open ranges of rows and columns. */
export interface Block {
  readonly rows: readonly [from: number, to: number];
  readonly cols: readonly [from: number, to: number];
}

export interface BlockMatrix {
  readonly rows: number;
  readonly cols: number;
  /** The values of a block, row by row. What comes back may be overwritten by the next call. */
  read(block: Block): ArrayLike<number>;
}

/**
 * A tensor as [product of all dimensions but the last, last]; a scalar is one value. Throws `format/invalid` for types that
 * are no plain numbers.
 */
export function tensorMatrix(source: TensorSource, name: string): BlockMatrix {
  const { dtype, shape } = source.tensor(name);
  const cols = shape.at(-1) ?? 1;
  const rows = elementCount(shape.slice(0, -1)) ?? 0;
  const size = DTYPE_BITS[dtype] / 8;
  if (!decodeNumbers(dtype, new Uint8Array(0))) {
    throw new KernelError(
      'format/invalid',
      l10n.t('{0} holds {1} values, which cannot be shown as numbers here', name, dtype),
    );
  }
  const read = ({ rows: [top, bottom], cols: [left, right] }: Block): ArrayLike<number> => {
    const width = right - left;
    const bytes = new Uint8Array((bottom - top) * width * size);
    const isWhole = width === cols;
    // Rows that are needed as a whole lie side by side in the file.
    if (isWhole) source.readRange(name, top * cols * size, bytes);
    for (let row = top; row < bottom && !isWhole; row++) {
      const at = (row - top) * width * size;
      source.readRange(name, (row * cols + left) * size, bytes.subarray(at, at + width * size));
    }
    return decodeNumbers(dtype, bytes) ?? [];
  };
  return { rows, cols, read };
}

/** ΔW = Σ scaling·B·A [out, in], each block computed from the rows of B and the columns of A that it needs, in float64. */
export function deltaMatrix(terms: readonly DeltaFactors[]): BlockMatrix {
  const [rows, cols] = [terms[0]?.outFeatures ?? 0, terms[0]?.inFeatures ?? 0];
  const read = ({ rows: [top, bottom], cols: [left, right] }: Block): Float64Array => {
    const width = right - left;
    const out = new Float64Array((bottom - top) * width);
    for (const { a, b, rank, scaling } of terms) {
      for (let row = top; row < bottom; row++) {
        const target = out.subarray((row - top) * width, (row - top + 1) * width);
        for (let k = 0; k < rank; k++) {
          const factor = scaling * (b[row * rank + k] as number);
          const from = k * cols + left;
          for (let j = 0; j < width; j++) (target[j] as number) += factor * (a[from + j] as number);
        }
      }
    }
    return out;
  };
  return { rows, cols, read };
}

/** A matrix in memory, row by row. */
export function arrayMatrix(rows: number, cols: number, values: Float32Array): BlockMatrix {
  const read = ({ rows: [top, bottom], cols: [left, right] }: Block): Float32Array => {
    if (right - left === cols) return values.subarray(top * cols, bottom * cols);
    const out = new Float32Array((bottom - top) * (right - left));
    for (let row = top; row < bottom; row++) {
      out.set(values.subarray(row * cols + left, row * cols + right), (row - top) * (right - left));
    }
    return out;
  };
  return { rows, cols, read };
}
