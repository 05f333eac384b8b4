/** @file What methods with two low-rank factors show of themselves: A [rank, in] and B [out, rank] move, ΔW has rank r at most. */
import type { MethodFigure } from './activity';
import { principalRounds } from './factorStarts';
import { deltaNorm, moved, numericalRank } from './activityFigures';

export const movedA = moved('lora_A', 'a-moved', 'Smallest change of A');
/** B starts at zero, or as given: then it is a change too. */
export const movedB = moved('lora_B', 'b-moved', 'Smallest change of B');

/** A bias beside B starts at zero too; where there is one. */
export const movedBias = moved('lora_B.bias', 'b-bias-moved', 'Smallest change of the bias of B');

export const deltaRank: MethodFigure<{ readonly r: number; readonly init_lora_weights?: unknown }> = {
  id: 'delta-rank',
  label: 'Largest rank of ΔW',
  unit: 'count',
  rule: 'at most r = {0}',
  measure: ({ layers, config }) => {
    const ranks = layers.flatMap(({ site, config: own, singularValues }) =>
      singularValues ? [{ value: numericalRank(singularValues), r: rankLimit(own), where: site.path }] : [],
    );
    // The one that comes closest to its limit, or is farthest above it.
    const worst = ranks.toSorted((a, b) => b.value - b.r - (a.value - a.r))[0];
    if (!worst) return { value: null, isMet: null, ruleValues: [rankLimit(config)] };
    const { value, r, where } = worst;
    return { value, where, ruleValues: [r], isMet: value > r ? false : value > 0 ? true : null };
  },
};

export const lowRankActivity = [movedA, movedB, deltaNorm, deltaRank] as const;

/** PiSSA takes its start of rank r away again: ΔW = s·(B·A − B₀·A₀). */
const rankLimit = ({
  r,
  init_lora_weights: start,
}: {
  readonly r: number;
  readonly init_lora_weights?: unknown;
}): number => (principalRounds(start) === undefined ? r : 2 * r);
