/**
 * @file How much the leading singular directions of two matrices have in common (LoRA, section 7.2):
 * φ(i, j) = ‖U_iᵀ·V_j‖_F² / min(i, j), U_i and V_j the first i and j singular vectors. 1: one span contains the other,
 * 0: they are orthogonal.
 */
import { type Matrix, multiplyTransposed, zeros } from './linalg/matrix';

/**
 * The whole grid: element (i − 1, j − 1) is φ(i, j). Both matrices hold orthonormal vectors of the same length as rows, the
 * leading one first: `right` of a decomposition of A, `left` of one of B, either of ΔW.
 */
export function subspaceSimilarity(first: Matrix, second: Matrix): Matrix {
  const overlaps = multiplyTransposed(first, second);
  const { rows, cols } = overlaps;
  const grid = zeros(rows, cols);
  // Cumulative sums of the squares: each cell from its left neighbour and the cell above.
  const above = new Float64Array(cols);
  for (let i = 0; i < rows; i++) {
    let inRow = 0;
    for (let j = 0; j < cols; j++) {
      inRow += overlaps.data[i * cols + j]! ** 2;
      above[j]! += inRow;
      grid.data[i * cols + j] = above[j]! / (Math.min(i, j) + 1);
    }
  }
  return grid;
}

/** What two random subspaces of `dimension` have in expectation: max(i, j)/dimension. The visual baseline of the grid. */
export function randomSimilarity(i: number, j: number, dimension: number): number {
  return Math.max(i, j) / dimension;
}
