/** @file What an adapter folder holds: its tensors by what they are for, norms and the spectrum of every update. */
import { findBaseModel, openAdapter } from '../adapters/adapterFile';
import { elementCount } from '../formats/dtype';
import type { PeftTensor } from '../formats/peft';
import { SHARED_MODULE } from '../formats/peftKeys';
import type { Problem } from '../protocol/errors';
import { KernelError } from '../protocol/errors';
import type { TensorRole } from '../protocol/calls/inspect';
import type { InspectedUpdate } from './adapterModules';
import { AdapterModules } from './adapterModules';
import { openBaseWeights } from './baseWeights';

export interface InspectedTensor {
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly role: TensorRole;
  /** Frobenius norm; `null` when a value is not finite. */
  readonly norm: number | null;
}

export interface InspectedModule {
  readonly module: string;
  /** Trained ones. */
  readonly parameters: number;
  readonly tensors: Readonly<Record<string, InspectedTensor>>;
  /** `null` where the spectrum of the update cannot be had from what is on disk, is too costly, or values are not finite. */
  readonly update: InspectedUpdate | null;
}

export interface InspectedAdapter {
  readonly path: string;
  readonly base: string | null;
  readonly method: string;
  /** The method's own fields, defaults filled in. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Trained ones, those of the base model among them. */
  readonly parameters: number;
  readonly modules: readonly InspectedModule[];
  /** Tensors of no module: those of the base model that were trained in full, and what all layers share. */
  readonly saved: Readonly<Record<string, InspectedTensor>>;
  readonly warnings: readonly Problem[];
}

export interface InspectOptions {
  readonly signal?: AbortSignal;
  /** Modules that are wanted, of all; all unless told. */
  readonly choose?: (modules: readonly string[]) => readonly string[];
  readonly onModule?: (module: string, done: number, all: number) => void;
}

/** Errors as `openAdapter`; `format/invalid` when a factor has another rank than the configuration says, `cancelled`. */
export async function inspectAdapter(dir: string, options: InspectOptions = {}): Promise<InspectedAdapter> {
  const { signal, choose, onModule } = options;
  const opened = openAdapter(dir);
  const { adapter, method, config } = opened;
  const baseFolder = findBaseModel(dir);
  const base = baseFolder === null ? null : openBaseWeights(baseFolder, adapter.config.fan_in_fan_out);
  const all = new AdapterModules(dir, opened, base);
  try {
    const modules: InspectedModule[] = [];
    const wanted = choose?.(all.names) ?? all.names;
    for (const module of wanted) {
      if (signal?.aborted) throw new KernelError('cancelled', 'inspecting was cancelled');
      modules.push(await inspectModule(all, module));
      onModule?.(module, modules.length, wanted.length);
    }
    const shared = adapter.tensors.get(SHARED_MODULE) ?? new Map<string, PeftTensor>();
    const extra = [...all.extra.values()].reduce((n, { shape }) => n + (elementCount(shape) ?? 0), 0);
    return {
      path: dir,
      base: adapter.config.base_model_name_or_path,
      method: method.id,
      config,
      parameters: all.names.reduce((n, module) => n + all.parametersOf(module), extra),
      modules,
      saved: {
        ...describe(shared, (name) => all.roleOf(SHARED_MODULE, name)),
        ...describe(all.extra, () => 'trained'),
      },
      warnings: adapter.warnings,
    };
  } finally {
    await all.dispose();
    opened.close();
  }
}

/** One module of an open adapter; reads its tensors. Errors as `AdapterModules.tensorsOf` and `delta`. */
export async function inspectModule(modules: AdapterModules, module: string): Promise<InspectedModule> {
  const tensors = describe(modules.tensorsOf(module), (name) => modules.roleOf(module, name));
  const isFinite = Object.values(tensors).every(({ norm }) => norm !== null);
  const update = isFinite ? await modules.update(module) : null;
  return { module, parameters: modules.parametersOf(module), tensors, update };
}

function describe(
  tensors: ReadonlyMap<string, PeftTensor>,
  roleOf: (name: string) => TensorRole,
): Readonly<Record<string, InspectedTensor>> {
  return Object.fromEntries(
    [...tensors].map(([name, { shape, dtype = 'F32', data }]) => {
      return [name, { shape, dtype, role: roleOf(name), norm: normOf(data) }];
    }),
  );
}

function normOf(data: Float32Array): number | null {
  let sum = 0;
  for (let i = 0; i < data.length; i++) sum += (data[i] as number) ** 2;
  return Number.isFinite(sum) ? Math.sqrt(sum) : null;
}
