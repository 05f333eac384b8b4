/** @file What an adapter folder holds, without its base model: factors, norms and the spectrum of every update. */
import type { UnplannedAdapter } from '../adapters/adapterFile';
import { openAdapter } from '../adapters/adapterFile';
import type { Factors } from '../adapters/types';
import {
  coreSingularValues,
  factoredSingularValues,
  frobeniusOfSpectrum,
  spectrumMeasures,
} from '../analysis/spectrum';
import { elementCount } from '../formats/dtype';
import type { PeftTensor } from '../formats/peft';
import { SHARED_MODULE } from '../formats/peftKeys';
import type { TargetSite } from '../models/types';
import type { Problem } from '../protocol/errors';
import { KernelError } from '../protocol/errors';

export interface InspectedTensor {
  readonly shape: readonly number[];
  readonly dtype: string;
  /** Frobenius norm; `null` when a value is not finite. */
  readonly norm: number | null;
}

/** The update ΔW [out, in] of a module. Where it does not consist of factors, `rank` counts its singular values. */
export interface InspectedUpdate {
  readonly shape: readonly [out: number, input: number];
  readonly rank: number;
  readonly scaling: number;
  readonly norm: number;
  readonly stable_rank: number;
  readonly effective_rank: number;
  readonly 'above_0.1': number;
  readonly above_relative: number;
  /** Descending. */
  readonly singular_values: readonly number[];
}

export interface InspectedModule {
  readonly module: string;
  readonly parameters: number;
  readonly tensors: Readonly<Record<string, InspectedTensor>>;
  /** `null` where the spectrum of the update cannot be known from the adapter, or values that are not finite. */
  readonly update: InspectedUpdate | null;
}

export interface InspectedAdapter {
  readonly path: string;
  readonly base: string | null;
  readonly method: string;
  /** The method's own fields, defaults filled in. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly parameters: number;
  readonly modules: readonly InspectedModule[];
  /** Tensors of the base model that were trained in full. */
  readonly saved: Readonly<Record<string, InspectedTensor>>;
  readonly warnings: readonly Problem[];
}

/** Errors as `openAdapter`; `format/invalid` when a factor has another rank than the configuration says. */
export function inspectAdapter(dir: string): InspectedAdapter {
  const opened = openAdapter(dir);
  try {
    const { adapter, method, config } = opened;
    const modules = [...adapter.tensors.keys()].map((module) => inspectModule(dir, opened, module));
    return {
      path: dir,
      base: adapter.config.base_model_name_or_path,
      method: method.id,
      config,
      parameters: modules.reduce((n, m) => n + m.parameters, countOf(adapter.extra)),
      modules,
      saved: describe(adapter.extra),
      warnings: adapter.warnings,
    };
  } finally {
    opened.close();
  }
}

/** Shape [out, in] of a module's weight in the base model; `null` when it is not known. */
export type BaseShape = (module: string) => readonly [out: number, input: number] | null;

/**
 * One module of an open adapter; reads its tensors. Methods without factors need to know the shape of the base weight.
 * Errors as `inspectAdapter`.
 */
export function inspectModule(
  dir: string,
  unplanned: UnplannedAdapter,
  module: string,
  baseShape: BaseShape = () => null,
): InspectedModule {
  const tensors = tensorsOf(dir, unplanned, module);
  const shown = describe(tensors);
  const isFinite = Object.values(shown).every(({ norm }) => norm !== null);
  const update = isFinite ? updateOf(dir, unplanned, module, tensors, baseShape) : null;
  return { module, parameters: countOf(tensors), tensors: shown, update };
}

/** The factors of the update of a module; `null` where they cannot be had. Errors as `inspectAdapter`. */
export function moduleFactors(
  dir: string,
  unplanned: UnplannedAdapter,
  module: string,
  baseShape: BaseShape,
): Factors | null {
  const tensors = tensorsOf(dir, unplanned, module);
  return factorsOf(dir, unplanned, module, tensors, moduleShape(unplanned, module, baseShape));
}

/** Shape [out, in] of a module's weight: from its factors, else from the base model. */
export function moduleShape(
  { adapter, method }: UnplannedAdapter,
  module: string,
  baseShape: BaseShape,
): readonly [out: number, input: number] | null {
  const tensors = adapter.tensors.get(module);
  const [out, input] = [tensors?.get('lora_B')?.shape[0], tensors?.get('lora_A')?.shape[1]];
  // Only where the update is their product do two factors tell the shape.
  return method.factors && out !== undefined && input !== undefined ? [out, input] : baseShape(module);
}

type ModuleTensors = ReadonlyMap<string, PeftTensor>;

function tensorsOf(dir: string, { adapter }: UnplannedAdapter, module: string): ModuleTensors {
  const tensors = adapter.tensors.get(module);
  if (tensors) return tensors;
  const found = 'there is no such module';
  const expected = `expected one of the ${adapter.tensors.size} adapted modules`;
  throw KernelError.refused([{ file: dir, where: module, severity: 'error', found, expected }]);
}

function updateOf(
  dir: string,
  unplanned: UnplannedAdapter,
  module: string,
  tensors: ModuleTensors,
  baseShape: BaseShape,
): InspectedUpdate | null {
  const shape = moduleShape(unplanned, module, baseShape);
  const factors = factorsOf(dir, unplanned, module, tensors, shape);
  if (!factors) return updateOfCores(unplanned, module, tensors, shape);
  const [inFeatures, outFeatures] = [factors.a.length / factors.rank, factors.b.length / factors.rank];
  const values = factoredSingularValues([{ ...factors, inFeatures, outFeatures }]);
  return { shape: [outFeatures, inFeatures], rank: factors.rank, scaling: factors.scaling, ...described(values) };
}

/** The update of a method that has matrices with the singular values of the update in place of factors. */
function updateOfCores(
  { method, config }: UnplannedAdapter,
  module: string,
  tensors: ModuleTensors,
  shape: readonly [number, number] | null,
): InspectedUpdate | null {
  if (!method.cores || !shape) return null;
  const site = siteOf(module, shape[1], shape[0]);
  const cores = method.cores(valuesOf(tensors), site, method.configOf(site, config));
  if (!cores) return null;
  const values = coreSingularValues(cores);
  return { shape, rank: values.length, scaling: 1, ...described(values) };
}

const described = (values: Float64Array): Omit<InspectedUpdate, 'shape' | 'rank' | 'scaling'> => ({
  norm: frobeniusOfSpectrum(values),
  ...spectrumMeasures(values),
  singular_values: [...values],
});

const valuesOf = (tensors: ModuleTensors): Readonly<Record<string, Float32Array>> =>
  Object.fromEntries([...tensors].map(([name, tensor]) => [name, tensor.data]));

function factorsOf(
  dir: string,
  { adapter, method, config }: UnplannedAdapter,
  module: string,
  tensors: ModuleTensors,
  shape: readonly [number, number] | null,
): Factors | null {
  const shared = adapter.tensors.get(SHARED_MODULE);
  if (!method.factors || !shape || (method.shared && !shared) || module === SHARED_MODULE) return null;
  const site = siteOf(module, shape[1], shape[0]);
  const values = valuesOf(shared ?? new Map());
  const factors: Factors | undefined = method.factors(
    valuesOf(tensors),
    site,
    method.configOf(site, config),
    values,
    () => null,
  );
  if (!factors) return null;
  const rank = tensors.get('lora_A')?.shape[0] ?? factors.rank;
  if (factors.rank !== rank) {
    const expected = `expected ${factors.rank}, as adapter_config.json says`;
    throw KernelError.invalid([{ file: dir, where: module, severity: 'error', found: `has rank ${rank}`, expected }]);
  }
  return factors;
}

/** A module as its tensors show it; the model that has it is not here. */
function siteOf(path: string, inFeatures: number, outFeatures: number): TargetSite {
  const projection = path.slice(path.lastIndexOf('.') + 1);
  const layer = layerOf(path) ?? 0;
  return { path, inFeatures, outFeatures, weight: `${path}.weight`, bias: null, layout: 'out-in', layer, projection };
}

/** Index of the transformer block in a module's path: its first number; `null` when it has none. */
export function layerOf(path: string): number | null {
  const index = /(?:^|\.)(\d+)\./.exec(path)?.[1];
  return index === undefined ? null : Number(index);
}

function describe(tensors: ReadonlyMap<string, PeftTensor>): Readonly<Record<string, InspectedTensor>> {
  return Object.fromEntries(
    [...tensors].map(([name, tensor]) => {
      const { shape, dtype = 'F32' } = tensor;
      return [name, { shape, dtype, norm: normOf(tensor.data) }];
    }),
  );
}

function normOf(data: Float32Array): number | null {
  let sum = 0;
  for (let i = 0; i < data.length; i++) sum += (data[i] as number) ** 2;
  return Number.isFinite(sum) ? Math.sqrt(sum) : null;
}

const countOf = (tensors: ReadonlyMap<string, PeftTensor>): number =>
  [...tensors.values()].reduce((n, { shape }) => n + (elementCount(shape) ?? 0), 0);
