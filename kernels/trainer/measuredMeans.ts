/** @file Means of what a method measures, over the latest batches: a window per tensor, kept exactly for a resume. */
import type { AdapterPlan } from '../adapters/plan';
import type { Parameters } from './parameters';

export class MeasuredMeans {
  private readonly windows: Map<string, number[]>;

  /** Latest batches that count. */
  private readonly length: number;

  constructor(plan: AdapterPlan) {
    this.length = plan.method.measuredBatches?.(plan.config) ?? 1;
    this.windows = new Map(plan.frozen.filter((t) => t.isMeasured).map((t) => [t.key, []]));
  }

  /** What a checkpoint keeps; undefined for methods that measure nothing. */
  get state(): Readonly<Record<string, readonly number[]>> | undefined {
    return this.windows.size > 0 ? Object.fromEntries(this.windows) : undefined;
  }

  restore(state: Readonly<Record<string, readonly number[]>> | undefined): void {
    for (const [key, values] of this.windows) values.splice(0, values.length, ...(state?.[key] ?? []));
  }

  readonly add = (key: string, value: number): void => {
    const window = this.windows.get(key);
    window?.push(value);
    if (window && window.length > this.length) window.shift();
  };

  /** Puts the means where they are saved with the adapter; what was not measured yet keeps its start. */
  writeInto(parameters: Pick<Parameters, 'set'>): void {
    for (const [key, values] of this.windows) {
      if (values.length === 0) continue;
      parameters.set(key, Float32Array.of(values.reduce((sum, v) => sum + v, 0) / values.length));
    }
  }
}
