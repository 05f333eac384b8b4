/**
 * @file Restarts (ReLoRA, Lialin et al. 2023; ReMoRA, Jiang et al. 2024, appendix B): which adapters can be merged and begun
 * anew in the middle of a run, and what a run keeps of the cycles that were merged. Any method can whose merge is exact and
 * whose fresh adapter changes nothing; no list says which.
 */
import * as l10n from '@vscode/l10n';
import { SHARED_MODULE } from '../formats/peftKeys';
import type { Fix, Problem } from '../protocol/errors';
import { KernelError } from '../protocol/errors';
import type { TensorValues } from './adapterFile';
import { f32, Graph } from '../graph/graph';
import type { AdaptedLayer, AdapterPlan, PlannedModel, PlannedTensor } from './plan';
import { planAdapter } from './plan';
import type { AnyAdapterMethod } from './types';

type Config = Readonly<Record<string, unknown>>;

/** `relora_state.json`: how the run restarts, and where it is. The names are those of the specification of the format. */
export interface RestartState {
  readonly version: 1;
  /** The cycle that the adapter belongs to, counted from 1; one less was merged. */
  readonly cycle: number;
  /** Optimiser steps of a cycle. */
  readonly every: number;
  /** Steps of the first warm-up, of that after a restart, and the share at which the schedule ends. */
  readonly warmup: number;
  readonly restartWarmup: number;
  readonly minLrRatio: number;
  readonly resetMode: 'reset' | 'zero' | 'magnitude' | 'keep';
  /** The operators that take turns, where the method has any. */
  readonly types: readonly unknown[];
  /** The step after which the cycle began. */
  readonly step: number;
  readonly seed: number;
  /** Of each merged cycle: the method's fields that were another than in adapter_config.json. */
  readonly merged: readonly Config[];
}

/** One cycle that was merged: the method's configuration and the values of its tensors, by key. */
export interface MergedCycle {
  readonly config: Config;
  readonly values: TensorValues;
}

/** What was merged into the base model before the adapter began; the first cycle first. */
export interface RestartHistory {
  readonly state: RestartState;
  readonly cycles: readonly MergedCycle[];
}

/** The tensors of an adapter that a restart merges and begins anew. */
export const restartedTensors = ({ trained, frozen }: AdapterPlan): readonly PlannedTensor[] =>
  [...trained, ...frozen].filter(({ kind }) => kind === 'adapter');

/**
 * The plan of a cycle, counted from 1, with the same tensors as that of the first. Throws `adapter/unsupported` with where and
 * why when the method has none.
 */
export function planOfCycle(
  method: AnyAdapterMethod,
  config: Config,
  model: PlannedModel,
  cycle: number,
  types: readonly unknown[] | undefined,
): AdapterPlan {
  return planAdapter(method, configOfCycle(method, config, cycle, types), model);
}

/** Errors as `planOfCycle`. */
export function configOfCycle(
  method: AnyAdapterMethod,
  config: Config,
  cycle: number,
  types: readonly unknown[] | undefined,
): Config {
  const next = method.configOfCycle?.(config, cycle, types) as
    { readonly config: Config } | { readonly reason: string; readonly fixes: readonly Fix[] } | undefined;
  if (!next) return config;
  if ('reason' in next) {
    const key = types ? 'mora_types' : 'every';
    throw refused(key, l10n.t('cannot restart {0} so', method.label), next.reason, next.fixes);
  }
  return next.config;
}

/** The plan of a merged cycle. */
export const planOfMerged = (
  { method }: Pick<AdapterPlan, 'method'>,
  model: PlannedModel,
  cycle: MergedCycle,
): AdapterPlan => planAdapter(method, cycle.config, model, () => undefined);

/** Throws `adapter/unsupported` with the reason when an adapter cannot restart. */
export function refuseRestarts(plan: AdapterPlan, types: readonly unknown[] | undefined): void {
  const reason = whyNoRestart(plan);
  if (reason !== undefined) throw refused('every', l10n.t('cannot restart {0}', plan.method.label), reason);
  configOfCycle(plan.method, plan.config, 2, types);
}

function whyNoRestart({ method, config, layers, trained, frozen }: AdapterPlan): string | undefined {
  if (layers.length === 0) return l10n.t('there is no adapter to merge; remove this key');
  if (!method.mergedWeight) return l10n.t('it has no exact merge; remove this key');
  const approximation = method.approximates?.(config);
  if (approximation !== undefined) return l10n.t('its merge would not be what was trained: {0}', approximation);
  if (layers.some((layer) => changesBias(method, layer))) {
    return l10n.t(
      'it changes biases too, and only weights are merged in a run; switch its bias off, or remove this key',
    );
  }
  const outer = layers.find(({ site }) => site.kind !== undefined)?.site;
  if (outer) {
    return l10n.t(
      'only linear layers of blocks are merged in a run, and {0} is adapted; leave it out, or remove this key',
      outer.path,
    );
  }
  const tensors = [...trained, ...frozen];
  if (tensors.some(({ isMeasured }) => isMeasured))
    return l10n.t('its merge needs numbers that are measured in training');
  if (tensors.some(({ module }) => module === SHARED_MODULE)) {
    return l10n.t(
      'its layers share tensors that stay the same in every cycle, so that no restart could raise the rank; remove this key',
    );
  }
  return undefined;
}

function changesBias(method: AnyAdapterMethod, { site, config, params }: AdaptedLayer): boolean {
  if (!method.deltaBias || site.bias === null) return false;
  const graph = new Graph();
  const values = Object.entries(params).map(([name, { shape }]) => [name, graph.input(name, f32(...shape))] as const);
  return method.deltaBias(Object.fromEntries(values), config) !== undefined;
}

function refused(key: string, found: string, expected: string, fixes: readonly Fix[] = []): KernelError {
  const place = { file: '', where: `relora.${key}`, severity: 'error' } as const;
  const problem: Problem = { ...place, found, expected, ...(fixes.length > 0 && { fixes }) };
  return new KernelError('adapter/unsupported', `relora.${key} ${found}; ${expected}`, { problems: [problem] });
}
