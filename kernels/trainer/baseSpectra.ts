/**
 * @file Rank curves of linear layers of the base model that are trained themselves: the singular values of W' − W. No smaller
 * matrix has them, so a run follows as many layers as it can afford, and says which it leaves out.
 */
import type { AdapterPlan, PlannedTensor } from '../adapters/plan';
import { spectrumMeasures } from '../analysis/spectrum';
import { singularValues } from '../analysis/linalg/svd';
import type { BaseModel } from '../models/baseModel';
import type { TargetSite } from '../models/types';
import type { SpectrumRecord } from '../protocol/types';
import type { Parameters } from './parameters';

/** Points of every rank curve, whatever the length of the run; fewer where they are costly. */
const MANY_POINTS = 60;
export const FEW_POINTS = 12;
/** Σ m·n·min(m, n) of the matrices that are decomposed at one point: about 3 ns each. */
export const CHEAP_WORK = 4e8;
const COSTLY_WORK = 2.2e9;

export interface FollowedWeight {
  readonly tensor: PlannedTensor;
  readonly site: TargetSite;
}

export interface Following {
  readonly weights: readonly FollowedWeight[];
  /** Trained linear layers that are not followed. */
  readonly leftOut: readonly TargetSite[];
  /** About how many points the rank curves of the run have, if that is not too many for its length. */
  readonly points: number;
}

interface HasSite {
  readonly site: TargetSite;
}

type Followable = Pick<BaseModel, 'sites'>;

/** Depends on the plan alone, so that a resumed run follows the same layers at the same steps. */
export function followed(plan: AdapterPlan, { sites }: Followable): Following {
  const byWeight = new Map(sites.map((site) => [site.weight, site]));
  const all = plan.trained.flatMap((tensor): FollowedWeight[] => {
    const site = tensor.kind === 'base' ? byWeight.get(tensor.key) : undefined;
    return site ? [{ tensor, site }] : [];
  });
  const isCheap = workOf(all) <= CHEAP_WORK;
  // Adapters have factors, whose curves are cheap: what is trained beside them must not thin them out.
  const points = isCheap || plan.layers.length > 0 ? MANY_POINTS : FEW_POINTS;
  const weights = isCheap ? all : affordable(all, points === MANY_POINTS ? CHEAP_WORK : COSTLY_WORK);
  const chosen = new Set(weights);
  return { weights, leftOut: all.filter((w) => !chosen.has(w)).map(({ site }) => site), points };
}

/** One record for each followed weight; values descending. */
export function baseSpectra(
  { weights }: Following,
  { checkpoint }: Pick<BaseModel, 'checkpoint'>,
  parameters: Parameters,
  step: number,
): readonly SpectrumRecord[] {
  return weights.map(({ tensor, site }) => {
    const [rows = 0, cols = 0] = tensor.shape;
    const before = checkpoint.readF32(tensor.key);
    const data = Float64Array.from(parameters.get(tensor.key)).map((value, i) => value - (before[i] ?? NaN));
    const values = singularValues({ rows, cols, data });
    return { step, module: site.path, singular_values: Array.from(values), ...spectrumMeasures(values) };
  });
}

/** What a person should know of the curves that are missing; undefined: none is. */
export function leftOutNote({ weights, leftOut }: Following, points: number): string | undefined {
  if (leftOut.length === 0) return undefined;
  const left = new Set(leftOut.map(({ layer }) => layer));
  const drawn =
    weights.length === 0
      ? 'no trained layer'
      : listed(
          weights.map(({ site }) => site),
          left,
        );
  const total = weights.length + leftOut.length;
  return (
    `rank curves are drawn of ${drawn} (${weights.length} of ${total} trained linear layers), at about ${points} points: ` +
    'the singular values of whole matrices take long'
  );
}

/** Whole blocks, evenly spread and the last one among them; where not even one can be afforded, its smallest layers. */
export function affordable<T extends HasSite>(all: readonly T[], most: number): readonly T[] {
  const blocks = [...new Set(all.map(({ site }) => site.layer))].sort((a, b) => a - b);
  const of = (block: number | undefined): readonly T[] => all.filter(({ site }) => site.layer === block);
  for (let count = blocks.length; count > 0; count--) {
    const chosen = new Set(Array.from({ length: count }, (_, i) => blocks[spreadIndex(i, count, blocks.length)]));
    const weights = all.filter(({ site }) => chosen.has(site.layer));
    if (workOf(weights) <= most) return weights;
  }
  const smallest = [...of(blocks.at(-1))].sort((a, b) => workOf([a]) - workOf([b]));
  const fitting = new Set(smallest.filter((_, i) => workOf(smallest.slice(0, i + 1)) <= most));
  return all.filter((weight) => fitting.has(weight));
}

/** The i-th of `count` places among `length`, the last one always among them. */
const spreadIndex = (i: number, count: number, length: number): number =>
  count === 1 ? length - 1 : Math.round((i * (length - 1)) / (count - 1));

/** Of one point. */
export const workOf = (weights: readonly HasSite[]): number =>
  weights.reduce((sum, { site: { inFeatures, outFeatures } }) => {
    return sum + inFeatures * outFeatures * Math.min(inFeatures, outFeatures);
  }, 0);

/** `blocks 0, 14, 29`, or the projections of a block that is not followed whole. */
function listed(sites: readonly TargetSite[], left: ReadonlySet<number>): string {
  const blocks = [...new Set(sites.map(({ layer }) => layer))];
  if (blocks.length > 1) return `blocks ${blocks.join(', ')}`;
  const some = blocks.some((block) => left.has(block)) ? sites.map(({ projection }) => projection) : [];
  return `${some.join(', ')}${some.length > 0 ? ' of ' : ''}block ${blocks.join('')}`;
}
