/** @file A column of numbers that grows: appending is cheap, reading is a typed array without a copy. */

export class Column {
  private values = new Float64Array(1024);
  private count = 0;

  get length(): number {
    return this.count;
  }

  push(value: number): void {
    if (this.count === this.values.length) {
      const larger = new Float64Array(this.values.length * 2);
      larger.set(this.values);
      this.values = larger;
    }
    this.values[this.count++] = value;
  }

  /** The numbers so far. Valid until the next push. */
  view(): Float64Array {
    return this.values.subarray(0, this.count);
  }
}
