/** @file What methods with two low-rank factors show of themselves: A [rank, in] and B [out, rank] move, ΔW has rank r at most. */
import { gatherRows, gemm, mul, scale, sub, sumAll, transpose } from '../graph/ops';
import type { BuiltLayer, MethodFigure } from './activity';
import { principalRounds } from './factorStarts';
import { deltaNorm, moved, numericalRank } from './activityFigures';
import { scalingOf } from './lowRank';

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

/** PiSSA takes its start of rank r away again: ΔW = s·(B·A − B₀·A₀). */
const rankLimit = ({
  r,
  init_lora_weights: start,
}: {
  readonly r: number;
  readonly init_lora_weights?: unknown;
}): number => (principalRounds(start) === undefined ? r : 2 * r);

/** Scalars of a forward pass from which the scaling in effect follows: s = ⟨y − y′, p⟩/⟨p, p⟩ with p = (x·Aᵀ)·Bᵀ, y′ made of B = 0. */
export function scalingProbes({ x, params, output, forwardWith }: BuiltLayer<'lora_A' | 'lora_B'>) {
  // To an embedding come token ids.
  const compressed =
    x.type.dtype === 'i32' ? gatherRows(transpose(params.lora_A, [1, 0]), x) : gemm(x, params.lora_A, { transB: true });
  const product = gemm(compressed, params.lora_B, { transB: true });
  const silent = forwardWith({ params: { ...params, lora_B: scale(params.lora_B, 0) } });
  return {
    'scaling-along': sumAll(mul(sub(output, silent), product)),
    'scaling-square': sumAll(mul(product, product)),
  };
}

/** How far the measured scaling may be from the one that was asked for. */
const SCALING_TOLERANCE = 0.02;

type ScalingConfig = Parameters<typeof scalingOf>[0];

/** With `scalingProbes`. */
export const scalingInEffect: MethodFigure<ScalingConfig> = {
  id: 'scaling',
  label: 'Scaling of B·A in the outputs of layers, farthest from its rule',
  unit: 'number',
  rule: '{0} within 2 %, alpha / r, or alpha / √r where rank-stabilised',
  applies: ({ updates, layers }) =>
    updates === 0 || layers.some(({ probes }) => probes?.['scaling-along'] !== undefined),
  measure: ({ layers, config }) => {
    const found = layers.flatMap(({ site, config: own, probes }) => {
      const { 'scaling-along': along, 'scaling-square': square = NaN } = probes ?? {};
      return along === undefined || square === 0
        ? []
        : [{ value: along / square, wanted: scalingOf(own), where: site.path }];
    });
    const worst = found.toSorted((a, b) => Math.abs(b.value / b.wanted - 1) - Math.abs(a.value / a.wanted - 1))[0];
    if (!worst) return { value: null, isMet: null, ruleValues: [scalingOf(config)] };
    const { value, wanted, where } = worst;
    const isMet = Math.abs(value / wanted - 1) <= SCALING_TOLERANCE;
    return { value, where, isMet, ruleValues: [wanted] };
  },
};

export const lowRankActivity = [movedA, movedB, deltaNorm, deltaRank, scalingInEffect] as const;
