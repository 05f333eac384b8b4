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
import { baseSpectra, followed, leftOutNote, workOf, type Following } from './baseSpectra';
import type { Parameters } from './parameters';
import { affordablePoints, spectraWork, type TrainingSize } from './spectraCadence';

interface SpectraOf extends TrainingSize {
  readonly plan: AdapterPlan;
  readonly model: BaseModel;
  readonly parameters: Parameters;
}

export class RunSpectra {
  private readonly following: Following;
  /** About how many times the run records them. */
  readonly points: number;

  constructor(private readonly run: SpectraOf) {
    const { plan, model } = run;
    this.following = followed(plan, model);
    const work = spectraWork(plan, this.deltas) + workOf(this.following.weights);
    this.points = affordablePoints(work, this.following.points, run, model);
  }

  /** Nothing of this run has a spectrum. */
  get isEmpty(): boolean {
    const { layers, method } = this.run.plan;
    const hasCurves = layers.length > 0 && (method.factors !== undefined || method.cores !== undefined);
    return !hasCurves && this.following.weights.length === 0;
  }

  /** What a person should know of curves that are missing. */
  get note(): string | undefined {
    return leftOutNote(this.following, this.points);
  }

  /** One record for each layer whose update has factors or cores, and for each followed base weight; values descending. */
  at(step: number): readonly SpectrumRecord[] {
    const { plan, model, parameters } = this.run;
    return [...layerSpectra(plan, this.deltas, step), ...baseSpectra(this.following, model, parameters, step)];
  }

  /** Those of now: the parameters change with every step. */
  private get deltas(): DeltaWeights {
    return new DeltaWeights(formulaPlan(this.run.plan), this.run.parameters, null);
  }
}

function layerSpectra(plan: AdapterPlan, deltas: DeltaWeights, step: number): readonly SpectrumRecord[] {
  return plan.layers.flatMap((layer): SpectrumRecord[] => {
    const values = deltas.cheapSpectrum(layer);
    if (!values) return [];
    return [recordOf(layer, values, step)];
  });
}

export const recordOf = ({ site }: AdaptedLayer, values: Float64Array, step: number): SpectrumRecord => ({
  step,
  module: site.path,
  singular_values: Array.from(values),
  ...spectrumMeasures(values),
});
