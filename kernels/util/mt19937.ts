/**
 * @file The random numbers PyTorch draws on the CPU: MT19937 and its ways to uniform and normal float32 values.
 * Uniform values are bit-exact; normal ones agree to about 5e-7, because PyTorch's vectorised sine and logarithm differ
 * from the exact ones in the last bit. Fresh adapters drawn here equal those of PEFT for the same seed.
 */

const N = 624;
const M = 397;
/** Uniform float32 values have the 24 bits of a float32 mantissa. */
const TWO_POW_MINUS_24 = 2 ** -24;

export class Mt19937 {
  readonly #state = new Uint32Array(N);
  #next = N;
  /** Normal float64 values come in pairs; the second waits here, across calls, as in PyTorch's generator. */
  #waitingNormal: number | undefined;

  /** `seed`: a whole number; its low 32 bits count, as with `torch.manual_seed`. */
  constructor(seed: number) {
    let value = Number(BigInt.asUintN(32, BigInt(seed)));
    this.#state[0] = value;
    for (let i = 1; i < N; i++) {
      value = (Math.imul(1812433253, value ^ (value >>> 30)) + i) >>> 0;
      this.#state[i] = value;
    }
  }

  /** The next 32-bit word. */
  uint32(): number {
    if (this.#next === N) this.#twist();
    let y = this.#state[this.#next++] ?? 0;
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    y ^= y >>> 18;
    return y >>> 0;
  }

  /** Fills `out` with float32 values of U[low, high), one word each: `Tensor.uniform_`. */
  uniform(out: Float32Array, low = 0, high = 1): Float32Array {
    const from = Math.fround(low);
    const range = Math.fround(Math.fround(high) - from);
    // One rounding of the float64 result gives the bits of PyTorch's fused multiply-add.
    for (let i = 0; i < out.length; i++) out[i] = (this.uint32() & 0xffffff) * TWO_POW_MINUS_24 * range + from;
    return out;
  }

  /** The next float64 value of U[0, 1), from the low 53 bits of two words. */
  uniform64(): number {
    const high = this.uint32() & 0x1fffff; // 53 − 32 bits
    return (high * 2 ** 32 + this.uint32()) * 2 ** -53;
  }

  /** Fills `out` with float32 values of N(mean, std²): `Tensor.normal_`. */
  normal(out: Float32Array, mean = 0, std = 1): Float32Array {
    if (out.length < 16) {
      for (let i = 0; i < out.length; i++) out[i] = this.#normal64() * std + mean;
      return out;
    }
    this.uniform(out);
    for (let i = 0; i + 16 <= out.length; i += 16) boxMuller16(out.subarray(i, i + 16), mean, std);
    if (out.length % 16 > 0) boxMuller16(this.uniform(out.subarray(out.length - 16)), mean, std);
    return out;
  }

  /**
   * Fills `out`, a matrix of `fanIn` columns, as `kaiming_uniform_(a=√5)` does: U(−1/√fanIn, 1/√fanIn).
   * It is the default of `nn.Linear` and of `lora_A`.
   */
  kaimingUniform(out: Float32Array, fanIn: number): Float32Array {
    // As written in PyTorch: gain √(2/(1+5)), standard deviation gain/√fanIn, bound √3 · std; rounded to float32 once.
    const bound = Math.sqrt(3) * (Math.sqrt(2 / 6) / Math.sqrt(fanIn));
    return this.uniform(out, -bound, bound);
  }

  #normal64(): number {
    if (this.#waitingNormal !== undefined) {
      const value = this.#waitingNormal;
      this.#waitingNormal = undefined;
      return value;
    }
    const angle = 2 * Math.PI * this.uniform64();
    const radius = Math.sqrt(-2 * Math.log1p(-this.uniform64()));
    this.#waitingNormal = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  #twist(): void {
    const s = this.#state;
    for (let i = 0; i < N; i++) {
      const y = ((s[i] ?? 0) & 0x80000000) | ((s[(i + 1) % N] ?? 0) & 0x7fffffff);
      s[i] = (s[(i + M) % N] ?? 0) ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
    }
    this.#next = 0;
  }
}

/** Fills `out` with U(−bound, bound) from a generator of this seed, after `skip` words. */
export function seededUniform(
  out: Float32Array,
  { seed, skip, bound }: { readonly seed: number; readonly skip: number; readonly bound: number },
): Float32Array {
  const generator = new Mt19937(seed);
  for (let i = 0; i < skip; i++) generator.uint32();
  return generator.uniform(out, -bound, bound);
}

/** Sixteen uniform values into sixteen normal ones, value j paired with value j + 8. */
function boxMuller16(t: Float32Array, mean: number, std: number): void {
  for (let j = 0; j < 8; j++) {
    const u1 = Math.fround(1 - (t[j] ?? 0));
    const angle = 2 * Math.PI * (t[j + 8] ?? 0);
    const radius = Math.sqrt(-2 * Math.log(u1));
    t[j] = radius * Math.cos(angle) * std + mean;
    t[j + 8] = radius * Math.sin(angle) * std + mean;
  }
}
