/**
 * @file The rank curves of a run: the spectrum of the delta weight of every adapted layer, and of base weights that are
 * trained themselves, as records of the run folder.
 */
import type { AdaptedLayer, AdapterPlan } from '../adapters/plan';
import { spectrumMeasures } from '../analysis/spectrum';
import { DeltaWeights } from '../delta/deltaWeights';
import { formulaPlan } from '../delta/layerWeights';
import type { BaseModel } from '../models/baseModel';
import type { SpectrumRecord } from '../protocol/types';
import { baseSpectra, FEW_POINTS, followed, leftOutNote, workOf, type Following } from './baseSpectra';
import type { Parameters } from './parameters';
import { affordablePoints, spectraWork, type TrainingSize } from './spectraCadence';
import { followedLayers, wholeSpectra } from './wholeDeltas';

interface SpectraOf extends TrainingSize {
  readonly plan: AdapterPlan;
  readonly model: BaseModel;
  readonly parameters: Parameters;
}

export class RunSpectra {
  private readonly following: Following;
  /** Layers whose delta weight is decomposed whole. */
  private readonly whole: readonly AdaptedLayer[];
  /** About how many times the run records them. */
  readonly points: number;
  private readonly interval: number;
  /** A multiple of `interval`. */
  private readonly wholeInterval: number;

  constructor(private readonly run: SpectraOf) {
    const { plan, model } = run;
    this.following = followed(plan, model);
    const { deltas } = this;
    this.whole = followedLayers(plan, deltas);
    const work = spectraWork(plan, deltas) + workOf(this.following.weights);
    this.points = affordablePoints(work, this.following.points, run, model);
    this.interval = Math.max(1, Math.ceil(run.totalSteps / this.points));
    const wholePoints = affordablePoints(workOf(this.whole), FEW_POINTS, run, model);
    this.wholeInterval = this.interval * Math.max(1, Math.ceil(run.totalSteps / (this.interval * wholePoints)));
  }

  /** Whether spectra are recorded after a step; after the first and the last they always are. */
  isDue(step: number): boolean {
    return step === this.run.totalSteps || step % this.interval === 0;
  }

  /** Nothing of this run has a spectrum. */
  get isEmpty(): boolean {
    const { layers, method } = this.run.plan;
    const isCheap = (['factors', 'cores', 'direction'] as const).some((what) => method[what] !== undefined);
    const hasCurves = layers.length > 0 && isCheap;
    return !hasCurves && this.whole.length === 0 && this.following.weights.length === 0;
  }

  /** What a person should know of curves that are missing. */
  get note(): string | undefined {
    return leftOutNote(this.following, this.points);
  }

  /** One record for each spectrum of an adapted layer that has factors or cores, and for each followed base weight; values descending. */
  at(step: number): readonly SpectrumRecord[] {
    const { plan, model, parameters } = this.run;
    return [...layerSpectra(plan, this.deltas, step), ...baseSpectra(this.following, model, parameters, step)];
  }

  /** One for each layer whose delta weight is decomposed whole: at an edge of the run, and now and then between. */
  async wholeAt(step: number, isEdge: boolean): Promise<readonly SpectrumRecord[]> {
    const { plan, model, parameters } = this.run;
    if (!isEdge && step % this.wholeInterval !== 0) return [];
    const spectra = await wholeSpectra(this.whole, plan, parameters, model);
    return spectra.map(({ layer, values }) => recordOf(layer, values, step));
  }

  /** Those of now: the parameters change with every step. */
  private get deltas(): DeltaWeights {
    return new DeltaWeights(formulaPlan(this.run.plan), this.run.parameters, null);
  }
}

function layerSpectra(plan: AdapterPlan, deltas: DeltaWeights, step: number): readonly SpectrumRecord[] {
  return plan.layers.flatMap((layer): SpectrumRecord[] => {
    const values = deltas.cheapSpectrum(layer);
    const direction = deltas.directionSpectrum(layer);
    return [
      ...(values ? [recordOf(layer, values, step)] : []),
      ...(direction ? [recordOf(layer, direction, step, 'direction')] : []),
    ];
  });
}

export const recordOf = (
  { site }: AdaptedLayer,
  values: Float64Array,
  step: number,
  of?: 'direction',
): SpectrumRecord => ({
  step,
  module: site.path,
  ...(of && { of }),
  singular_values: Array.from(values),
  ...spectrumMeasures(values),
});
