/** @file How values are spread: counts of equally wide bins from the smallest to the largest. */

/** Counts the values of [low, high]; the last bin holds `high` as well. Others are not counted. */
export class Bins {
  readonly counts: number[];
  private readonly width: number;

  constructor(
    private readonly low: number,
    private readonly high: number,
    bins: number,
  ) {
    this.counts = new Array<number>(bins).fill(0);
    // Divided first: the difference of the largest numbers is not finite.
    this.width = high / bins - low / bins;
  }

  add(values: ArrayLike<number>): void {
    for (let i = 0; i < values.length; i++) this.addOften(values[i] as number, 1);
  }

  /** One value that occurs `times` times. */
  addOften(value: number, times: number): void {
    const { low, high, width, counts } = this;
    if (!(value >= low && value <= high)) return;
    const bin = width > 0 ? Math.min(counts.length - 1, Math.floor((value - low) / width)) : 0;
    (counts[bin] as number) += times;
  }
}
