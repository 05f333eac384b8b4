/** @file Fast repeatable random weights. Their quality does not matter, only that nothing is zero, equal or denormal. */

/** Fills `values` with uniform numbers in [−limit, limit) from a xorshift generator and returns it. */
export function fillUniform(values: Float32Array, limit: number, seed: number): Float32Array {
  let state = Math.imul(seed, 0x9e3779b1) | 1;
  for (let i = 0; i < values.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    values[i] = (state / 2 ** 31) * limit;
  }
  return values;
}
