/**
 * @file PiSSA (Meng et al. 2024, section 3): the factors start as the r largest singular values and vectors of W, and what
 * is trained on is the rest, W_res = W − s·B₀·A₀. The base file stays as it is: A₀ and B₀ are frozen tensors that the graph
 * subtracts. Files hold the LoRA of rank 2r against the untouched base that does the same,
 * ΔW = s·(B·A − B₀·A₀) = s·[B, −B₀]·[A; A₀], which PEFT loads and from which all four factors come back to the bit.
 */
import type { Value } from '../graph/graph';
import type { TargetSite } from '../models/types';
import { principalRounds } from './factorStarts';
import { lowRankForward, lowRankMerged } from './lowRank';
import type { Init, LayerContext, NamedTensors, ParamSpec } from './types';

/** Names of A₀ and B₀. They exist while training alone. */
export type InitialFactor = 'initial_A' | 'initial_B';

type Initial = Readonly<Partial<Record<InitialFactor, Value | undefined>>>;

/** The frozen copies of the start, where it is PiSSA's. */
export function initialFactorSpecs(
  site: TargetSite,
  r: number,
  start: unknown,
  starts: { readonly A: Init; readonly B: Init },
): Readonly<Partial<Record<InitialFactor, ParamSpec>>> {
  if (principalRounds(start) === undefined) return {};
  return {
    initial_A: { shape: [r, site.inFeatures], init: starts.A, trainable: false },
    initial_B: { shape: [site.outFeatures, r], init: starts.B, trainable: false },
  };
}

/** W_res [out, in]; W itself for other starts. */
export function residualWeight(weight: Value, { initial_A: a, initial_B: b }: Initial, s: number): Value {
  return a && b ? lowRankMerged(weight, a, b, -s) : weight;
}

/** The layer whose base weight is W_res; the layer itself for other starts. */
export function residualLayer<P extends string, O extends string>(
  layer: LayerContext<P, O | InitialFactor>,
  s: number,
): LayerContext<P, O | InitialFactor> {
  const { initial_A: a, initial_B: b }: Initial = layer.params;
  if (!a || !b) return layer;
  let weight: Value | undefined;
  return {
    ...layer,
    baseWeight: () => (weight ??= lowRankMerged(layer.baseWeight(), a, b, -s)),
    // Without the matrix of the size of W.
    baseOutput: () => lowRankForward(layer.baseOutput(), layer.x, a, b, -s),
  };
}

interface ScaledConfig {
  readonly r: number;
  readonly lora_alpha: number;
  readonly use_rslora: boolean;
  readonly rank_pattern: Readonly<Record<string, number>>;
  readonly alpha_pattern: Readonly<Record<string, number>>;
}

/** The configuration of twice the rank under which the scaling stays what it is. */
export function doubled<C extends ScaledConfig>(config: C): C {
  const factor = config.use_rslora ? Math.SQRT2 : 2;
  const times = (values: Readonly<Record<string, number>>, by: number): Readonly<Record<string, number>> =>
    Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value * by]));
  return {
    ...config,
    r: 2 * config.r,
    lora_alpha: factor * config.lora_alpha,
    rank_pattern: times(config.rank_pattern, 2),
    alpha_pattern: times(config.alpha_pattern, factor),
  };
}

type Factors = Readonly<Record<'lora_A' | 'lora_B', Float32Array>>;

/** [A; A₀] and [B, −B₀] of four factors of rank r; other tensors as they are. */
export function joinFactors(params: NamedTensors, r: number): NamedTensors & Factors {
  const { lora_A: a, lora_B: b, initial_A, initial_B, ...rest } = params;
  if (!a || !b || !initial_A || !initial_B) throw new Error('one of the four factors is missing');
  const joinedB = new Float32Array(2 * b.length);
  for (let row = 0; row * r < b.length; row++) {
    joinedB.set(b.subarray(row * r, (row + 1) * r), 2 * row * r);
    for (let i = 0; i < r; i++) joinedB[(2 * row + 1) * r + i] = -(initial_B[row * r + i] ?? NaN);
  }
  const joinedA = new Float32Array(2 * a.length);
  joinedA.set(a);
  joinedA.set(initial_A, a.length);
  return { ...rest, lora_A: joinedA, lora_B: joinedB };
}

/** The way back. */
export function splitFactors(stored: NamedTensors, r: number): NamedTensors {
  const { lora_A: a, lora_B: b, ...rest } = stored;
  if (!a || !b) throw new Error('one of the two factors is missing');
  const half = b.length / 2;
  const [trained, initial] = [new Float32Array(half), new Float32Array(half)];
  for (let i = 0; i < half; i++) {
    const at = 2 * r * Math.floor(i / r) + (i % r);
    trained[i] = b[at] ?? NaN;
    initial[i] = -(b[at + r] ?? NaN);
  }
  const [top, bottom] = [a.slice(0, a.length / 2), a.slice(a.length / 2)];
  return { ...rest, lora_A: top, lora_B: trained, initial_A: bottom, initial_B: initial };
}
