/** @file Figures of every run, whatever the method: every trained tensor changes, gets a gradient, and learns at the rate it was given. */
import { isSettled } from '../../adapters/activity';
import type { ActivityContext, Figure, Measurement } from '../../adapters/activity';
import type { ResolvedConfig } from '../../config/loadConfig';
import type { RestartRecord } from '../../protocol/types';
import type { PlannedTensor } from '../../adapters/plan';
import { BRANCH, COMPARED_MILLIONS, isTooLargeToCompare, MERGE_ERROR, OUTPUT } from './probeOutputs';
import type { TensorUpdate } from './tensorWatch';

/** What the trainer knows besides the method's tensors. */
export interface RunActivity extends ActivityContext {
  readonly trained: readonly PlannedTensor[];
  hasChanged(tensor: PlannedTensor): boolean;
  /** The latest update that was measured; undefined before the first. */
  readonly update: StepUpdate | undefined;
  /** Digest of the base model's files when the run began, and now. */
  readonly baseDigest: { readonly start: string; now(): string };
  /** The configuration, where it says how tensors learn. */
  readonly settings: Pick<ResolvedConfig, 'training' | 'relora'>;
  readonly totalSteps: number;
  readonly restarts: readonly RestartRecord[];
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
/** How far a layer may be from its merged weight, as a share of what the adapter adds to its output. */
const MERGE_TOLERANCE = 0.05;
/** Of the largest part of a sum, what float32 may be wrong by. */
const FLOAT_NOISE = 1e-5;

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
    id: 'base-unchanged',
    label: 'Samples of the base model’s files that are as they were',
    unit: 'share',
    rule: 'all, for every tensor that is not trained is read from there',
    applies: ({ trained }) => trained.some(({ kind }) => kind === 'base'),
    measure: ({ baseDigest }) => {
      const isSame = baseDigest.start === baseDigest.now();
      return { value: isSame ? 1 : 0, isMet: isSame };
    },
  },
  {
    id: 'merge-error',
    label: 'Distance of layers from their merged weights ÷ size of the adapter’s part',
    unit: 'share',
    rule: 'at most {0} %',
    applies: ({ layers }) => layers.some(({ probes }) => probes?.[MERGE_ERROR] !== undefined),
    measure: ({ layers }) => {
      const errors = layers.flatMap(({ site, probes }) => {
        const { [MERGE_ERROR]: error, [BRANCH]: branch = NaN, [OUTPUT]: output = NaN } = probes ?? {};
        if (error === undefined) return [];
        // What float32 rounds away of the whole output is no error of the part.
        return [{ value: Math.max(0, error - FLOAT_NOISE * output) / branch, where: site.path }];
      });
      const worst = errors.toSorted((a, b) => b.value - a.value)[0];
      const ruleValues = [100 * MERGE_TOLERANCE];
      if (!worst || Number.isNaN(worst.value)) return { value: null, isMet: null, ruleValues };
      return { ...worst, isMet: worst.value <= MERGE_TOLERANCE, ruleValues };
    },
  },
  {
    id: 'merge-compared',
    label: 'Layers not compared with their merged weights',
    unit: 'count',
    rule: 'only an embedding or a head of more than {0} million numbers',
    applies: ({ layers }) => layers.some(({ site }) => isTooLargeToCompare(site)),
    measure: ({ layers }) => {
      const large = layers.filter(({ site }) => isTooLargeToCompare(site));
      const where = large.map(({ site }) => site.path).join(', ');
      return { value: large.length, isMet: true, where, ruleValues: [COMPARED_MILLIONS] };
    },
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
