/** @file Lists of numbers that grow without a JavaScript object for each number. */

type NumberArray = Int32Array<ArrayBuffer> | Float64Array<ArrayBuffer>;

/** A typed array that doubles its room when it is full. */
export class GrowingColumn<A extends NumberArray> {
  #values: A;
  length = 0;

  constructor(private readonly allocate: (length: number) => A) {
    this.#values = allocate(1024);
  }

  push(value: number): void {
    if (this.length === this.#values.length) {
      const larger = this.allocate(2 * this.length);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.length++] = value;
  }

  /** What was pushed so far, without a copy; not to be used after another push. */
  values(): A {
    return this.#values.subarray(0, this.length) as A;
  }
}

export const growingInt32 = () => new GrowingColumn((length) => new Int32Array(length));
export const growingFloat64 = () => new GrowingColumn((length) => new Float64Array(length));
