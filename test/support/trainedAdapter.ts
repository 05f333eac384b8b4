/** @file A small base model and an adapter folder on it, its tensors moved as if it had been trained. */
import { saveAdapter } from '../../kernels/adapters/adapterFile';
import { planAdapter } from '../../kernels/adapters/plan';
import { adapterMethods } from '../../kernels/adapters/registry';
import type { AnyAdapterMethod } from '../../kernels/adapters/types';
import { openBaseModel } from '../../kernels/models/baseModel';
import { Parameters } from '../../kernels/trainer/parameters';
import type { Fields } from '../../kernels/util/fields';
import { withDefaults } from '../../kernels/util/fields';
import type { TinyModel } from './tinyCheckpoint';
import { randomValues, temporaryFolder, writeTinyModel } from './tinyModel';

/** The methods with a merge that put adapters on layers; the others train tensors of the base model themselves. */
export const mergedOnLayers: readonly AnyAdapterMethod[] = adapterMethods.filter(
  (m) => m.mergedWeight && !m.selection(withDefaults(m.config as Fields, {})).base,
);

export interface AdapterOnModel {
  readonly model?: TinyModel;
  /** Id of the method; LoRA unless told. */
  readonly method?: string;
  readonly config?: Readonly<Record<string, unknown>>;
  /** How far the tensors are moved from their start. */
  readonly change?: number;
}

export function trainedAdapter({ model = {}, method = 'lora', config = {}, change = 0.5 }: AdapterOnModel): {
  readonly base: string;
  readonly adapter: string;
} {
  const base = writeTinyModel(model);
  const adapter = temporaryFolder();
  const opened = openBaseModel(base);
  const found = adapterMethods.find((m) => m.id === method);
  if (!found) throw new Error(`there is no method ${method}`);
  const plan = planAdapter(found, withDefaults(found.config as Fields, { r: 3, lora_alpha: 6, ...config }), opened);
  const parameters = new Parameters(plan).initialise(opened, 2);
  plan.trained.forEach((t, i) => {
    const noise = randomValues(t.shape, 50 + i);
    parameters.set(
      t.key,
      parameters.get(t.key).map((v, j) => v + change * (noise[j] ?? 0)),
    );
  });
  saveAdapter(adapter, plan, parameters, { baseModelPath: base });
  opened.checkpoint.close();
  return { base, adapter };
}
