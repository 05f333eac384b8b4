/** @file An adapter as its files hold it: the trained one, or the form of it that its method stores (`AdapterMethod.stored`). */
import type { AdapterPlan, PlannedTensor } from './plan';
import { replanned } from './plan';
import type { NamedTensors, StoredForm } from './types';

/** The values of a plan's tensors, by key. */
export interface TensorValues {
  get(key: string): Float32Array | undefined;
}

export interface StoredAdapter {
  /** The plan whose tensors the files hold. */
  readonly plan: AdapterPlan;
  /** Values of that plan, from those of the trained one. */
  readonly pack: (values: TensorValues) => TensorValues;
  /** The way back: values of the trained plan by key. */
  readonly unpack: (values: ReadonlyMap<string, Float32Array>) => ReadonlyMap<string, Float32Array>;
}

export function storedAdapter(plan: AdapterPlan): StoredAdapter {
  const { method, config, layers } = plan;
  const sites = layers.map(({ site }) => site);
  const form = method.stored?.(config, sites) as StoredForm | undefined;
  if (!form) return { plan, pack: (values) => values, unpack: (values) => values };
  const stored = replanned(plan, form.config);
  return {
    plan: stored,
    pack: (values) => translated(plan, values, (tensors, site) => form.pack(tensors, site)),
    unpack: (values) => translated(stored, values, (tensors, site) => form.unpack(tensors, site)),
  };
}

/** Tensors of layers through `translate`, all others as they are. */
function translated(plan: AdapterPlan, values: TensorValues, translate: StoredForm['pack']): Map<string, Float32Array> {
  const result = new Map<string, Float32Array>();
  const take = (tensors: Iterable<Pick<PlannedTensor, 'key'>>): void => {
    for (const { key } of tensors) {
      const data = values.get(key);
      if (data) result.set(key, data);
    }
  };
  const modules = new Set(plan.layers.map(({ site }) => site.path));
  take([...plan.trained, ...plan.frozen].filter(({ kind, module }) => kind === 'base' || !modules.has(module)));
  for (const { site, params } of plan.layers) {
    const own = Object.keys(params).flatMap((name) => {
      const data = values.get(`${site.path}.${name}`);
      return data ? [[name, data] as const] : [];
    });
    const tensors: NamedTensors = translate(Object.fromEntries(own), site);
    for (const [name, data] of Object.entries(tensors)) result.set(`${site.path}.${name}`, data);
  }
  return result;
}
