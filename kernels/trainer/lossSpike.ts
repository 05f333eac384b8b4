/**
 * @file Loss spikes: a step whose loss stands far above the recent ones. Spread is measured by the median absolute
 * deviation, which a spike among the recent steps hardly moves.
 */

/** Steps that are looked back on, and how many there must be. */
const WINDOW = 50;
const LEAST = 20;
/** Times the median. The losses of small batches spread little by chance, and then a small rise has many deviations. */
const LEAST_RATIO = 1.5;
/** Steps after a spike that are not reported: it often takes a few to come down. */
const PAUSE_STEPS = 10;
/** Standard deviation of a normal distribution / its median absolute deviation. */
const SIGMA_OF_MAD = 1.4826;

export class LossSpikeDetector {
  private readonly recent: number[] = [];
  private quietUntil = 0;

  /** `sigma`: standard deviations above the median that make a spike; 0: none does. */
  constructor(private readonly sigma: number) {}

  /** What is odd about the loss of this step, or null. To be told of every step, in order. */
  see(step: number, loss: number): string | null {
    const { recent } = this;
    const found = this.judge(step, loss);
    recent.push(loss);
    if (recent.length > WINDOW) recent.shift();
    if (found !== null) this.quietUntil = step + PAUSE_STEPS;
    return found;
  }

  private judge(step: number, loss: number): string | null {
    const { recent, sigma } = this;
    if (sigma === 0 || recent.length < LEAST || step <= this.quietUntil) return null;
    const middle = median(recent);
    const spread = SIGMA_OF_MAD * median(recent.map((value) => Math.abs(value - middle)));
    if (loss <= middle + sigma * spread || loss <= LEAST_RATIO * middle) return null;
    const range = `${middle.toPrecision(3)} ± ${spread.toPrecision(2)}`;
    return `the loss of step ${step} is ${loss.toPrecision(4)}; the ${recent.length} steps before had ${range}`;
  }
}

/** Of at least one value. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  const upper = sorted[half] ?? NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[half - 1] ?? NaN) + upper) / 2;
}
