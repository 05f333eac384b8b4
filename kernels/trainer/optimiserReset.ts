/**
 * @file What becomes of the optimiser's moments at a restart (ReLoRA, section 3: they are about factors that are no longer
 * there), and how much of them it set to zero, counted afterwards and not taken from the setting.
 */
import type { PlannedTensor } from '../adapters/plan';
import { assertNever } from '../util/assertNever';
import type { AdamW } from './adamw';
import type { OptimiserGroup } from './optimiserGroups';

export type ResetMode = 'reset' | 'zero' | 'magnitude' | 'keep';

/** `pruned`: of `magnitude`, the share of the entries of each moment of each tensor that becomes zero. */
export interface ResetSettings {
  readonly mode: ResetMode;
  readonly pruned: number;
}

type Moments = Pick<AdamW, 'firstMoment' | 'secondMoment'>;

/** Treats both moments of the adapter's tensors as asked; tensors of the base that are trained too keep theirs. */
export function resetMoments(moments: Moments, tensors: readonly PlannedTensor[], settings: ResetSettings): void {
  for (const { offset, size } of adapterOnly(tensors)) {
    for (const moment of [moments.firstMoment, moments.secondMoment]) {
      resetOne(moment.subarray(offset, offset + size), settings);
    }
  }
}

function resetOne(values: Float32Array, { mode, pruned }: ResetSettings): void {
  switch (mode) {
    case 'reset':
    case 'zero':
      values.fill(0);
      return;
    case 'magnitude': {
      const limit = magnitudeQuantile(values, pruned);
      for (let i = 0; i < values.length; i++) if (Math.abs(values[i] as number) <= limit) values[i] = 0;
      return;
    }
    case 'keep':
      return;
    default:
      assertNever(mode);
  }
}

/** The share that the setting is meant to set to zero. */
export const expectedShare = ({ mode, pruned }: ResetSettings): number =>
  mode === 'keep' ? 0 : mode === 'magnitude' ? pruned : 1;

/** Whether the bias correction of the adapter's tensors begins anew. */
export const countsAnew = ({ mode }: ResetSettings): boolean => mode === 'reset';

/** For each entry of both moments whether it is zero: what `resetShare` compares with later. */
export function nonZeroEntries({ firstMoment, secondMoment }: Moments): readonly Uint8Array[] {
  return [firstMoment, secondMoment].map((moment) => {
    const marks = new Uint8Array(moment.length); // `from` would make a list of all values first
    for (let i = 0; i < marks.length; i++) marks[i] = moment[i] === 0 ? 0 : 1;
    return marks;
  });
}

/** By group: of the adapter's entries that were not zero, the share that is zero now. 0 where none was. */
export function resetShare(
  before: readonly Uint8Array[],
  { firstMoment, secondMoment }: Moments,
  groups: readonly OptimiserGroup[],
): Readonly<Record<string, number>> {
  const shares = groups.flatMap(({ name, tensors }) => {
    const own = adapterOnly(tensors);
    if (own.length === 0) return [];
    let [all, gone] = [0, 0];
    for (const { offset, size } of own) {
      [firstMoment, secondMoment].forEach((moment, which) => {
        for (let i = offset; i < offset + size; i++) {
          if (before[which]?.[i] !== 1) continue;
          all++;
          if (moment[i] === 0) gone++;
        }
      });
    }
    return [[name, all === 0 ? 0 : gone / all] as const];
  });
  return Object.fromEntries(shares);
}

const adapterOnly = (tensors: readonly PlannedTensor[]): readonly PlannedTensor[] =>
  tensors.filter(({ kind }) => kind === 'adapter');

/** The quantile of the absolute values between the two nearest ranks, as torch.quantile computes it. */
function magnitudeQuantile(values: Float32Array, share: number): number {
  const sorted = values.map(Math.abs).sort();
  const at = share * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(at)] ?? 0, sorted[Math.ceil(at)] ?? 0];
  return low + (high - low) * (at - Math.floor(at));
}
