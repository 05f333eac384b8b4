/** @file Figures of every run, whatever the method: every trained tensor changes, gets a gradient, and learns at the rate it was given. */
import { isSettled } from '../../adapters/activity';
import type { ActivityContext, Figure, Measurement } from '../../adapters/activity';
import type { PlannedTensor } from '../../adapters/plan';
import type { TensorUpdate } from './tensorWatch';

/** What the trainer knows besides the method's tensors. */
export interface RunActivity extends ActivityContext {
  readonly trained: readonly PlannedTensor[];
  hasChanged(tensor: PlannedTensor): boolean;
  /** The latest update that was measured; undefined before the first. */
  readonly update: StepUpdate | undefined;
  /** The training section of the configuration, as far as it says how tensors learn. */
  readonly loraplusRatio: number | undefined;
}

export interface StepUpdate {
  /** What the schedule gave for this step, before the ratio of a group. */
  readonly learningRate: number;
  /** The learning rate that each trained tensor was to get, by key. */
  readonly rates: ReadonlyMap<string, number>;
  readonly tensors: readonly TensorUpdate[];
}

/** How far a measured learning rate may be from the one that was given: what float32 parameters round away. */
const RATE_TOLERANCE = 0.05;

export const generalFigures: readonly Figure<RunActivity>[] = [
  {
    id: 'trained-changed',
    label: 'Trained tensors that have changed',
    unit: 'share',
    rule: 'all {0}',
    measure: (run) =>
      shareOf(
        run,
        run.trained.map((tensor) => ({ key: tensor.key, is: run.hasChanged(tensor) })),
      ),
  },
  {
    id: 'trained-gradient',
    label: 'Trained tensors that get a gradient',
    unit: 'share',
    rule: 'all {0}',
    measure: (run) =>
      shareOf(
        run,
        (run.update?.tensors ?? []).map(({ tensor, hasGradient }) => ({ key: tensor.key, is: hasGradient })),
      ),
  },
  {
    id: 'effective-rate',
    label: 'Measured ÷ given learning rate, farthest from 1',
    unit: 'number',
    rule: '1 within 5 % for every tensor',
    measure: ({ update }) => {
      const shares = (update?.tensors ?? []).flatMap(({ tensor, effectiveRate }) => {
        const given = update?.rates.get(tensor.key) ?? 0;
        return given > 0 && Number.isFinite(effectiveRate) ? [{ value: effectiveRate / given, where: tensor.key }] : [];
      });
      const worst = shares.toSorted((a, b) => Math.abs(b.value - 1) - Math.abs(a.value - 1))[0];
      return worst ? { ...worst, isMet: isNear(worst.value, 1) } : { value: null, isMet: null };
    },
  },
];

export const isNear = (value: number, expected: number): boolean =>
  Math.abs(value - expected) <= RATE_TOLERANCE * Math.abs(expected);

/** All must be so, once the tensors had time; the first that is not is named. */
function shareOf(
  context: Pick<ActivityContext, 'updates'>,
  tensors: readonly { readonly key: string; readonly is: boolean }[],
): Measurement {
  const ruleValues = [tensors.length];
  if (tensors.length === 0) return { value: null, isMet: null, ruleValues };
  const missing = tensors.find(({ is }) => !is);
  const value = tensors.filter(({ is }) => is).length / tensors.length;
  if (!missing) return { value, isMet: true, ruleValues };
  return { value, where: missing.key, isMet: isSettled(context) ? false : null, ruleValues };
}
