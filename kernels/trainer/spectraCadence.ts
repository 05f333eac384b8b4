/**
 * @file How often a run records spectra and activity: not so often that they take more than a small share of the training. Counted
 * in arithmetic, never in time, so that a resumed run records the same steps.
 */
import type { AdapterPlan } from '../adapters/plan';
import type { DeltaWeights } from '../delta/deltaWeights';
import type { BaseModel } from '../models/baseModel';
import type { PreparedRun } from './prepare';

/** Of the training's arithmetic, that all points together may take. */
const SHARE = 0.05;
/** A multiply-add of a decomposition takes as long as this many of the training's graphs, which are vectorised. */
const HOST_COST = 150;
/** Multiply-adds of one point that are not worth saving: some hundredths of a second. */
const FREE_WORK = 2e7;
/** However costly: besides those before the first step, the figures of the middle and of the end. */
const FEWEST_POINTS = 2;

/** What says how much a run computes; nothing of it differs in a resumed run. */
export type TrainingSize = Pick<PreparedRun, 'totalSteps' | 'data' | 'config'>;

/** About how many points a run can afford, at most `most`. `work`: multiply-adds of the decompositions of one point. */
export function affordablePoints(
  work: number,
  most: number,
  run: TrainingSize,
  model: Pick<BaseModel, 'sites'>,
): number {
  if (work <= FREE_WORK) return most;
  const points = Math.floor((SHARE * run.totalSteps * stepWork(run, model)) / (HOST_COST * work));
  return Math.min(most, Math.max(FEWEST_POINTS, points));
}

/** Multiply-adds of one step in the linear layers: forward, and backward to their inputs. */
function stepWork({ data, config }: TrainingSize, { sites }: Pick<BaseModel, 'sites'>): number {
  const { per_device_train_batch_size: batch, gradient_accumulation_steps: accumulation } = config.training;
  const { tokenLengths } = data.train;
  const longest = config.data.max_length;
  const tokens =
    tokenLengths.reduce((sum, length) => sum + Math.min(length, longest), 0) / Math.max(1, tokenLengths.length);
  const weights = sites.reduce((sum, { inFeatures, outFeatures }) => sum + inFeatures * outFeatures, 0);
  return 2 * weights * tokens * batch * accumulation;
}

/** Multiply-adds of the spectra of all adapted layers that come from factors or cores. */
export function spectraWork({ layers }: Pick<AdapterPlan, 'layers'>, deltas: DeltaWeights): number {
  return layers.reduce((sum, layer) => sum + deltas.spectrumWork(layer) + deltas.directionWork(layer), 0);
}
