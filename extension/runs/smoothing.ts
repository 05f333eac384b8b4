/** @file Exponential moving average of a noisy curve: s = w·s + (1−w)·y, divided by 1−wⁿ so that the start is not pulled to 0. */
import { Column } from './column';

/** The average at each point; `weight` in [0, 1). Values that are not finite are passed over and give the last average. */
export function smooth(y: Float64Array, weight: number): Float64Array {
  const column = new Column();
  for (const value of y) column.push(value);
  return new MovingAverage(column, weight).view();
}

/** The average of a column that grows: a look costs what was added since the last one. */
export class MovingAverage {
  private readonly averages = new Column();
  private sum = 0;
  private mass = 0;

  constructor(
    private readonly source: Column,
    readonly weight: number,
  ) {}

  /** As many values as the column has now. Valid until its next push. */
  view(): Float64Array {
    const { weight } = this;
    const y = this.source.view();
    for (let i = this.averages.length; i < y.length; i++) {
      const value = y[i]!;
      if (Number.isFinite(value)) {
        this.sum = weight * this.sum + (1 - weight) * value;
        this.mass = weight * this.mass + (1 - weight);
      }
      this.averages.push(this.mass > 0 ? this.sum / this.mass : NaN);
    }
    return this.averages.view();
  }
}
