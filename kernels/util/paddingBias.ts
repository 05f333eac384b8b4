/** @file What is added to attention scores, so that padding does not count. */

/** Finite, so that a row without any token stays a number. */
const MASKED = -1e30;

/** f32[rows·length] of rows padded on the right: 0 at tokens, a large negative number behind them. */
export function paddingBias(rows: readonly { readonly length: number }[], length: number): Float32Array {
  const bias = new Float32Array(rows.length * length);
  rows.forEach((row, i) => bias.fill(MASKED, i * length + row.length, (i + 1) * length));
  return bias;
}
