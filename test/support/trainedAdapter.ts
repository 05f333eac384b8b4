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
  /** Cycles that were merged before, as by ReLoRA; none unless told. */
  readonly cycles?: number;
}

export function trainedAdapter({
  model = {},
  method = 'lora',
  config = {},
  change = 0.5,
  cycles = 0,
}: AdapterOnModel): {
  readonly base: string;
  readonly adapter: string;
} {
  const base = writeTinyModel(model);
  const adapter = temporaryFolder();
  const opened = openBaseModel(base);
  const found = adapterMethods.find((m) => m.id === method);
  if (!found) throw new Error(`there is no method ${method}`);
  const plan = planAdapter(found, withDefaults(found.config as Fields, { r: 3, lora_alpha: 6, ...config }), opened);
  const moved = (seed: number): Parameters => {
    const parameters = new Parameters(plan).initialise(opened, 2);
    plan.trained.forEach((t, i) => {
      const noise = randomValues(t.shape, seed + i);
      parameters.set(
        t.key,
        parameters.get(t.key).map((v, j) => v + change * (noise[j] ?? 0)),
      );
    });
    return parameters;
  };
  const state = { version: 1, cycle: cycles + 1, every: 4, warmup: 1, restartWarmup: 1, minLrRatio: 0.1 } as const;
  const merged = Array.from({ length: cycles }, (_, i) => ({ config: plan.config, values: moved(500 * (i + 1)) }));
  saveAdapter(adapter, plan, moved(50), {
    baseModelPath: base,
    ...(cycles > 0 && {
      restarts: {
        state: { ...state, resetMode: 'reset', types: [], step: 4 * cycles, seed: 1, merged: merged.map(() => ({})) },
        cycles: merged,
      },
    }),
  });
  opened.checkpoint.close();
  return { base, adapter };
}
