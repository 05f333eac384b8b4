/** @file Sums over values from which their statistics follow, fed piece by piece; each value may count several times. */
import type { TensorStatistics } from './tensorStatistics';

export class ValueSums {
  private count = 0;
  private zeros = 0;
  private nan = 0;
  private infinite = 0;
  private min = Infinity;
  private max = -Infinity;
  // Sums of the differences to one of the values lose less to cancellation than sums of the values.
  private shift = NaN;
  private sum = 0;
  private squares = 0;
  private energy = 0;

  add(values: ArrayLike<number>): void {
    let [zeros, min, max, sum, squares, energy] = [0, this.min, this.max, 0, 0, 0];
    if (Number.isNaN(this.shift)) this.shift = firstFinite(values);
    const { shift } = this;
    for (let i = 0; i < values.length; i++) {
      const value = values[i] as number;
      if (!(Math.abs(value) <= Number.MAX_VALUE)) {
        this.addBroken(value, 1);
        continue;
      }
      if (value === 0) zeros++;
      if (value < min) min = value;
      if (value > max) max = value;
      const difference = value - shift;
      sum += difference;
      squares += difference * difference;
      energy += value * value;
    }
    this.count += values.length;
    this.zeros += zeros;
    [this.min, this.max] = [min, max];
    this.sum += sum;
    this.squares += squares;
    this.energy += energy;
  }

  /** One value that occurs `times` times. */
  addOften(value: number, times: number): void {
    if (times === 0) return;
    this.count += times;
    if (!Number.isFinite(value)) return this.addBroken(value, times);
    if (Number.isNaN(this.shift)) this.shift = value;
    if (value === 0) this.zeros += times;
    this.min = Math.min(this.min, value);
    this.max = Math.max(this.max, value);
    const difference = value - this.shift;
    this.sum += times * difference;
    this.squares += times * difference * difference;
    this.energy += times * value * value;
  }

  result(): TensorStatistics {
    const { count, zeros, nan, infinite, min, max } = this;
    const counts = { zeros, non_finite: nan + infinite, nan, infinite };
    const finite = count - nan - infinite;
    if (finite === 0) return { count, min: null, max: null, mean: null, std: null, norm: null, ...counts };
    const mean = this.shift + this.sum / finite;
    const std = Math.sqrt(Math.max(0, this.squares / finite - (this.sum / finite) ** 2));
    return { count, min, max, mean, std, norm: Math.sqrt(this.energy), ...counts };
  }

  private addBroken(value: number, times: number): void {
    if (Number.isNaN(value)) this.nan += times;
    else this.infinite += times;
  }
}

function firstFinite(values: ArrayLike<number>): number {
  for (let i = 0; i < values.length; i++) if (Number.isFinite(values[i])) return values[i] as number;
  return NaN;
}
