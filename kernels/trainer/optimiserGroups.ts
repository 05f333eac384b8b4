/**
 * @file Which learning rate and decay each trained tensor gets. One rate for all, or two with LoRA+: the second factors learn
 * `loraplus_lr_ratio` times as fast as the rest (Hayou et al. 2024, section 4; groups as in its code and PEFT's helper).
 */
import * as l10n from '@vscode/l10n';
import { EMBEDDING_GROUP } from '../adapters/lowRank';
import type { AdapterPlan, PlannedTensor } from '../adapters/plan';
import type { Problem } from '../protocol/errors';
import { KernelError } from '../protocol/errors';
import type { ParameterRange } from './adamw';

export interface OptimiserGroup {
  /** `default`; with LoRA+ `A`, `B` and, where embeddings are adapted, `embedding`. */
  readonly name: string;
  /** Factor of the configuration's learning rate. */
  readonly ratio: number;
  readonly tensors: readonly PlannedTensor[];
}

export interface RateSettings {
  readonly learning_rate?: number;
  readonly loraplus_lr_ratio?: number | undefined;
  readonly loraplus_lr_embedding?: number | undefined;
}

/**
 * The groups of a plan, in the order of its tensors. Throws `input/refused` where LoRA+ would change nothing but the learning
 * rate of everything: there must be a second factor that is trained beside something else.
 */
export function optimiserGroups(
  { trained, method }: Pick<AdapterPlan, 'trained' | 'method'>,
  { learning_rate = NaN, loraplus_lr_ratio: ratio, loraplus_lr_embedding: embeddingRate }: RateSettings,
): readonly OptimiserGroup[] {
  if (ratio === undefined) return [{ name: 'default', ratio: 1, tensors: trained }];
  const embedded = trained.filter(({ group }) => group === EMBEDDING_GROUP);
  const others = trained.filter(({ group }) => group !== EMBEDDING_GROUP);
  const fast = others.filter(isFast);
  const slow = others.filter((t) => !isFast(t));
  if (!fast.some((t) => t.param === 'lora_B')) {
    throw refused(
      l10n.t('has no effect with {0}, which trains no second factor lora_B', method.label),
      l10n.t('remove it'),
    );
  }
  if (!slow.some((t) => t.param === 'lora_A')) {
    const expected = l10n.t('remove it and change training.learning_rate');
    throw refused(l10n.t('would only multiply the learning rate, as no first factor lora_A is trained'), expected);
  }
  if (embedded.length === 0 && embeddingRate !== undefined) {
    const found = l10n.t('has no effect: no embedding is adapted');
    throw refused(found, l10n.t('remove it, or name the embedding in target_modules'), 'loraplus_lr_embedding');
  }
  const rate = embeddingRate ?? EMBEDDING_RATE;
  return [
    { name: 'A', ratio: 1, tensors: slow },
    { name: 'B', ratio, tensors: fast },
    ...(embedded.length > 0 ? [{ name: 'embedding', ratio: rate / learning_rate, tensors: embedded }] : []),
  ];
}

/** PEFT's default. */
const EMBEDDING_RATE = 1e-6;

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

function refused(found: string, expected: string, key = 'loraplus_lr_ratio'): KernelError {
  const problem: Problem = { file: '', where: `training.${key}`, severity: 'error', found, expected };
  return new KernelError('adapter/unsupported', `${key} ${found}; ${expected}`, { problems: [problem] });
}
