/** @file What an adapter folder holds, without its base model: factors, norms and the spectrum of every update. */
import type { UnplannedAdapter } from '../adapters/adapterFile';
import { readAdapter } from '../adapters/adapterFile';
import type { Factors } from '../adapters/types';
import { factoredSingularValues, frobeniusOfSpectrum, spectrumMeasures } from '../analysis/spectrum';
import type { PeftTensor } from '../formats/peft';
import type { TargetSite } from '../models/types';
import type { Problem } from '../protocol/errors';
import { KernelError } from '../protocol/errors';

export interface InspectedTensor {
  readonly shape: readonly number[];
  readonly dtype: string;
  /** Frobenius norm; `null` when a value is not finite. */
  readonly norm: number | null;
}

/** The update ΔW [out, in] of a module whose update consists of factors. */
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
  /** `null` where the update has no factors that are known here, or values that are not finite. */
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

/** Errors as `readAdapter`; `format/invalid` when a factor has another rank than the configuration says. */
export function inspectAdapter(dir: string): InspectedAdapter {
  const unplanned = readAdapter(dir);
  const { adapter, method, config } = unplanned;
  const modules = [...adapter.tensors].map(([module, tensors]): InspectedModule => {
    const described = describe(tensors);
    const isFinite = Object.values(described).every(({ norm }) => norm !== null);
    const update = isFinite ? updateOf(dir, unplanned, module, tensors) : null;
    return { module, parameters: countOf(tensors), tensors: described, update };
  });
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
}

function updateOf(
  dir: string,
  { method, config }: UnplannedAdapter,
  module: string,
  tensors: ReadonlyMap<string, PeftTensor>,
): InspectedUpdate | null {
  const inFeatures = tensors.get('lora_A')?.shape[1];
  const outFeatures = tensors.get('lora_B')?.shape[0];
  if (!method.factors || inFeatures === undefined || outFeatures === undefined) return null;
  const site = siteOf(module, inFeatures, outFeatures);
  const data = Object.fromEntries([...tensors].map(([name, tensor]) => [name, tensor.data]));
  const factors: Factors = method.factors(data, site, method.configOf(site, config));
  const rank = tensors.get('lora_A')?.shape[0];
  if (factors.rank !== rank) {
    const expected = `expected ${factors.rank}, as adapter_config.json says`;
    throw KernelError.invalid([{ file: dir, where: module, severity: 'error', found: `has rank ${rank}`, expected }]);
  }
  const values = factoredSingularValues([{ ...factors, inFeatures, outFeatures }]);
  return {
    shape: [outFeatures, inFeatures],
    rank: factors.rank,
    scaling: factors.scaling,
    norm: frobeniusOfSpectrum(values),
    ...spectrumMeasures(values),
    singular_values: [...values],
  };
}

/** A module as its tensors show it; the model that has it is not here. */
function siteOf(path: string, inFeatures: number, outFeatures: number): TargetSite {
  const projection = path.slice(path.lastIndexOf('.') + 1);
  const layer = Number(/\.(\d+)\./.exec(path)?.[1] ?? 0);
  return { path, inFeatures, outFeatures, weight: `${path}.weight`, bias: null, layout: 'out-in', layer, projection };
}

function describe(tensors: ReadonlyMap<string, PeftTensor>): Readonly<Record<string, InspectedTensor>> {
  return Object.fromEntries(
    [...tensors].map(([name, { shape, data, dtype }]) => [name, { shape, dtype: dtype ?? 'F32', norm: normOf(data) }]),
  );
}

function normOf(data: Float32Array): number | null {
  let sum = 0;
  for (let i = 0; i < data.length; i++) sum += (data[i] as number) ** 2;
  return Number.isFinite(sum) ? Math.sqrt(sum) : null;
}

const countOf = (tensors: ReadonlyMap<string, PeftTensor>): number =>
  [...tensors.values()].reduce((n, { data }) => n + data.length, 0);
