/**
 * @file Watches the trained tensors of a run: which have changed since it began, which get a gradient, and what a step's update really
 * did to them. Of adapter tensors all entries are compared; of large base tensors a sample, and all where the sample shows nothing.
 */
import type { AdapterPlan, PlannedTensor } from '../../adapters/plan';
import type { BaseModel } from '../../models/baseModel';
import type { AdamW } from '../adamw';
import type { Parameters } from '../parameters';

/** Entries of a tensor that an update is measured on, evenly spread. */
const SAMPLE = 4096;

/** What the update of one step did to a tensor, on a sample of its entries. */
export interface TensorUpdate {
  readonly tensor: PlannedTensor;
  readonly hasGradient: boolean;
  /** Mean of |θ after − θ before|. */
  readonly meanChange: number;
  /** Mean of the optimiser's direction before the learning rate is applied. */
  readonly meanDirection: number;
  /** The learning rate that explains the change best, given the direction and the decay; NaN where the direction is 0. */
  readonly effectiveRate: number;
}

export class TensorWatch {
  /** Adapter tensors as they started; base tensors are read again from the checkpoint. */
  private readonly started = new Map<string, Float32Array>();
  private before: readonly Float32Array[] = [];

  /** To be made before the first step, and before a checkpoint is loaded. */
  constructor(
    private readonly plan: AdapterPlan,
    private readonly parameters: Parameters,
    private readonly model: BaseModel,
  ) {
    for (const tensor of [...plan.trained, ...plan.frozen]) {
      const values = parameters.get(tensor.key);
      this.started.set(tensor.key, tensor.kind === 'adapter' ? values.slice() : sampled(values));
    }
  }

  /** An adapter tensor as it was when the run began. */
  start(key: string): Float32Array {
    return this.started.get(key) ?? new Float32Array();
  }

  /** Keeps what the next update is measured against. */
  beforeUpdate(): void {
    this.before = this.plan.trained.map(({ key }) => sampled(this.parameters.get(key)));
  }

  /** What the update did; to be called right after it, with the gradient it was made of. */
  afterUpdate(gradient: Float32Array, optimiser: AdamW, weightDecay: number): readonly TensorUpdate[] {
    const updates = this.plan.trained.map((tensor, i): TensorUpdate => {
      const { offset, size } = tensor;
      const decay = tensor.decays ? weightDecay : 0;
      const old = this.before[i] ?? new Float32Array();
      const stride = strideOf(size);
      const values = this.parameters.get(tensor.key);
      let [changes, directions, along, square] = [0, 0, 0, 0];
      old.forEach((from, j) => {
        const change = (values[j * stride] ?? NaN) - from;
        const direction = optimiser.direction(offset + j * stride);
        const whole = direction + decay * from;
        changes += Math.abs(change);
        directions += Math.abs(direction);
        along -= change * whole;
        square += whole * whole;
      });
      const hasGradient = gradient.subarray(offset, offset + size).some((g) => g !== 0);
      const count = Math.max(1, old.length);
      return {
        tensor,
        hasGradient,
        meanChange: changes / count,
        meanDirection: directions / count,
        effectiveRate: along / square,
      };
    });
    this.before = [];
    return updates;
  }

  /** Whether any entry of a trained tensor differs from its start. */
  hasChanged(tensor: PlannedTensor): boolean {
    const values = this.parameters.get(tensor.key);
    const known = this.start(tensor.key);
    if (tensor.kind === 'adapter') return values.some((value, i) => value !== known[i]);
    const stride = strideOf(tensor.size);
    if (known.some((value, j) => value !== values[j * stride])) return true;
    const { start } = tensor;
    if (start.kind !== 'base' || stride === 1) return false;
    const base = this.model.checkpoint.readF32(start.tensor);
    return values.some((value, i) => value !== base[i]);
  }
}

const strideOf = (size: number): number => Math.max(1, Math.ceil(size / SAMPLE));

function sampled(values: Float32Array): Float32Array {
  const stride = strideOf(values.length);
  return Float32Array.from({ length: Math.ceil(values.length / stride) }, (_, i) => values[i * stride] ?? NaN);
}
