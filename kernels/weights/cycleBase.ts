/** @file The base model of a later cycle: the checkpoint, with the adapted weights as float32 in a file of their own. */
import { rmSync } from 'node:fs';
import path from 'node:path';
import type { AdaptedLayer, AdapterPlan } from '../adapters/plan';
import { makeFolders } from '../formats/atomicFile';
import { SafetensorsWriter } from '../formats/safetensorsWriter';
import type { BaseModel } from '../models/baseModel';
import { withTensorsOf } from '../models/baseModel';

export interface CycleBase {
  readonly model: BaseModel;
  /** Closes and removes the file; sessions that map it are to be disposed of before. */
  dispose(): void;
}

/** Writes `weightOf` of every adapted layer to `file` and gives the model that reads them there. */
export async function writeCycleBase(
  model: BaseModel,
  { layers }: AdapterPlan,
  file: string,
  weightOf: (layer: AdaptedLayer) => Promise<Float32Array>,
): Promise<CycleBase> {
  makeFolders(path.dirname(file));
  const specs = layers.map(({ site }) => {
    return { name: site.weight, shape: model.checkpoint.tensor(site.weight).shape, dtype: 'F32' as const };
  });
  const writer = SafetensorsWriter.create(file, specs);
  try {
    for (const layer of layers) writer.writeF32(layer.site.weight, await weightOf(layer));
    writer.commit();
  } catch (error) {
    writer.abort();
    throw error;
  }
  const merged = withTensorsOf(model, file);
  return {
    model: merged,
    dispose: () => {
      merged.checkpoint.close();
      rmSync(file, { force: true });
    },
  };
}

/** What the graphs of a later cycle read, before there is such a file: enough to plan them, not to read from. */
export const plannedCycleBase = (model: BaseModel, { layers }: AdapterPlan): BaseModel => ({
  ...model,
  checkpoint: model.checkpoint.withFloat32(layers.map(({ site }) => site.weight)),
});

/** Bytes of that file. */
export const cycleBaseBytes = ({ layers }: AdapterPlan): number =>
  layers.reduce((n, { site }) => n + 4 * site.inFeatures * site.outFeatures, 16 * 1024);
