/** @file Exponential moving average of a noisy curve: s = w·s + (1−w)·y, divided by 1−wⁿ so that the start is not pulled to 0. */

/** The average at each point; `weight` in [0, 1). Values that are not finite are passed over and give the last average. */
export function smooth(y: Float64Array, weight: number): Float64Array {
  const smoothed = new Float64Array(y.length);
  let sum = 0;
  let mass = 0;
  for (let i = 0; i < y.length; i++) {
    const value = y[i]!;
    if (Number.isFinite(value)) {
      sum = weight * sum + (1 - weight) * value;
      mass = weight * mass + (1 - weight);
    }
    smoothed[i] = mass > 0 ? sum / mass : NaN;
  }
  return smoothed;
}
