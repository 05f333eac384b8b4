/**
 * @file AdamW with decoupled weight decay (Loshchilov & Hutter 2019), as torch.optim.AdamW computes it:
 * θ ← θ − lr·wd·θ, then θ ← θ − lr·m̂ / (√v̂ + ε). A plain loop over typed arrays is as fast as a graph for adapters.
 */

export interface AdamWOptions {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
}

/** A range of the flat parameter vector with its own decay and learning rate. */
export interface ParameterRange {
  readonly from: number;
  readonly to: number;
  readonly learningRate: number;
  readonly weightDecay: number;
}

export class AdamW {
  readonly firstMoment: Float32Array;
  readonly secondMoment: Float32Array;
  /** Updates made so far: the bias correction depends on it. */
  step = 0;
  /** The state of the entries before `end` began anew after `from` updates: theirs count from there. */
  counted: { readonly from: number; readonly end: number } = { from: 0, end: 0 };

  constructor(
    size: number,
    private readonly options: AdamWOptions,
  ) {
    this.firstMoment = new Float32Array(size);
    this.secondMoment = new Float32Array(size);
  }

  /** m̂/(√v̂ + ε) of an entry after the latest update: what was multiplied with the learning rate, decay aside. */
  direction(index: number): number {
    const { beta1, beta2, epsilon } = this.options;
    const count = this.countOf(index);
    const mean = (this.firstMoment[index] as number) / (1 - beta1 ** count);
    const size = Math.sqrt((this.secondMoment[index] as number) / (1 - beta2 ** count));
    return mean / (size + epsilon);
  }

  private countOf(index: number): number {
    return this.step - (index < this.counted.end ? this.counted.from : 0);
  }

  /** One update of `parameters` in place. `gradientScale` is the factor of clipping. */
  update(
    parameters: Float32Array,
    gradient: Float32Array,
    ranges: readonly ParameterRange[],
    gradientScale: number,
  ): void {
    this.step++;
    const { beta1, beta2, epsilon } = this.options;
    const { firstMoment: m, secondMoment: v } = this;
    for (const { from, to, learningRate, weightDecay } of ranges) {
      const count = this.countOf(from);
      const correction1 = 1 - beta1 ** count;
      const rootCorrection2 = Math.sqrt(1 - beta2 ** count);
      const keep = 1 - learningRate * weightDecay;
      const stepSize = learningRate / correction1;
      for (let i = from; i < to; i++) {
        const g = (gradient[i] as number) * gradientScale;
        const mi = beta1 * (m[i] as number) + (1 - beta1) * g;
        const vi = beta2 * (v[i] as number) + (1 - beta2) * g * g;
        m[i] = mi;
        v[i] = vi;
        parameters[i] =
          (parameters[i] as number) * keep - (stepSize * mi) / (Math.sqrt(vi) / rootCorrection2 + epsilon);
      }
    }
  }
}

/** Global L2 norm, accumulated in float64. */
export function globalNorm(gradient: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < gradient.length; i++) sum += (gradient[i] as number) ** 2;
  return Math.sqrt(sum);
}

/** Factor that brings a gradient of norm `norm` down to `maxNorm`, as torch.nn.utils.clip_grad_norm_ does; 0: no clipping. */
export const clipFactor = (norm: number, maxNorm: number): number =>
  maxNorm > 0 ? Math.min(1, maxNorm / (norm + 1e-6)) : 1;
