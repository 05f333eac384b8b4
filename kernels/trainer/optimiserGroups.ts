/**
 * @file Which learning rate and decay each trained tensor gets. One rate for all, or two with LoRA+: the second factors learn
 * `loraplus_lr_ratio` times as fast as the rest (Hayou et al. 2024, section 4; groups as in its code and PEFT's helper).
 */
import type { AdapterPlan, PlannedTensor } from '../adapters/plan';
import type { Problem } from '../protocol/errors';
import { KernelError } from '../protocol/errors';
import type { ParameterRange } from './adamw';

export interface OptimiserGroup {
  /** `default`; with LoRA+ `A` and `B`. */
  readonly name: string;
  /** Factor of the configuration's learning rate. */
  readonly ratio: number;
  readonly tensors: readonly PlannedTensor[];
}

export interface RateSettings {
  readonly loraplus_lr_ratio?: number | undefined;
}

/**
 * The groups of a plan, in the order of its tensors. Throws `input/refused` where LoRA+ would change nothing but the learning
 * rate of everything: there must be a second factor that is trained beside something else.
 */
export function optimiserGroups(
  { trained, method }: Pick<AdapterPlan, 'trained' | 'method'>,
  { loraplus_lr_ratio: ratio }: RateSettings,
): readonly OptimiserGroup[] {
  if (ratio === undefined) return [{ name: 'default', ratio: 1, tensors: trained }];
  const fast = trained.filter(isFast);
  const slow = trained.filter((t) => !isFast(t));
  if (!fast.some((t) => t.param === 'lora_B')) {
    throw refused(`has no effect with ${method.label}, which trains no second factor lora_B`, 'remove it');
  }
  if (!slow.some((t) => t.param === 'lora_A')) {
    const expected = 'remove it and change training.learning_rate';
    throw refused('would only multiply the learning rate, as no first factor lora_A is trained', expected);
  }
  return [
    { name: 'A', ratio: 1, tensors: slow },
    { name: 'B', ratio, tensors: fast },
  ];
}

/** Second factors, and what has one dimension: magnitudes, biases, norms. */
const isFast = ({ param, shape }: PlannedTensor): boolean => param.startsWith('lora_B') || shape.length === 1;

/** The ranges of one update, each tensor with its group's rate. */
export function rangesOf(
  groups: readonly OptimiserGroup[],
  learningRate: number,
  weightDecay: number,
): readonly ParameterRange[] {
  return groups.flatMap(({ ratio, tensors }) =>
    tensors.map((t) => ({
      from: t.offset,
      to: t.offset + t.size,
      learningRate: ratio * learningRate,
      weightDecay: t.decays ? weightDecay : 0,
    })),
  );
}

/** The rate of each group, for the records. */
export const ratesOf = (groups: readonly OptimiserGroup[], learningRate: number): Readonly<Record<string, number>> =>
  Object.fromEntries(groups.map(({ name, ratio }) => [name, ratio * learningRate]));

function refused(found: string, expected: string): KernelError {
  const problem: Problem = { file: '', where: 'training.loraplus_lr_ratio', severity: 'error', found, expected };
  return new KernelError('adapter/unsupported', `loraplus_lr_ratio ${found}; ${expected}`, { problems: [problem] });
}
