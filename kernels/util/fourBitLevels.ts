/** @file The forms of quantised weights, and what the 16 codes of 4 bits stand for in each. */

export type FourBitForm = 'nf4' | 'fp4';
export type QuantizedForm = FourBitForm | 'int8';

/** Quantiles of the normal distribution (arXiv 2305.14314, appendix E), and the values of 1 sign, 2 exponent and 1 mantissa bits. */
export const LEVELS: Readonly<Record<FourBitForm, Float32Array>> = {
  nf4: Float32Array.of(
    ...[-1, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334],
    ...[-0.09105003625154495, 0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224],
    ...[0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1],
  ),
  fp4: Float32Array.from([0, 0.0625, 8, 12, 4, 6, 2, 3, -0, -0.0625, -8, -12, -4, -6, -2, -3], (value) => value / 12),
};
