/** @file What is wrong with a configuration, and what it would train: diagnostics and the summary line of the form. */
import path from 'node:path';
import * as l10n from '@vscode/l10n';
import type { AdapterPlan } from '../adapters/plan';
import { adapterMethods } from '../adapters/registry';
import { loadConfig } from '../config/loadConfig';
import { isObject } from '../config/values';
import type { LoadedConfig } from '../config/loadConfig';
import { modelHeader, type ModelHeader } from '../models/modelHeader';
import type { Problem } from '../protocol/errors';
import { KernelError } from '../protocol/errors';
import type { CheckedConfig } from '../protocol/calls/config';
import type { ConfigSummary } from '../protocol/kernelApi';
import { planFor, refuseLongSamples } from '../trainer/prepare';
import { modelKind, refuseIdleKeys, refuseOtherFormat } from '../trainer/task';
import type { ModelKind } from '../util/fields';
import { withModelFixes } from './modelFixes';

export function checkConfig(file: string, text?: string): CheckedConfig {
  const loaded = loadConfig(file, { methods: adapterMethods, ...(text !== undefined && { text }) });
  const kind = modelKindOf(loaded.values, file);
  return { ...problemsOf(loaded, file), ...(kind && { modelKind: kind }) };
}

/** The kind of the base model that is named, whatever else is wrong. */
function modelKindOf(values: unknown, file: string): ModelKind | undefined {
  const dir = isObject(values) ? values['model'] : undefined;
  if (typeof dir !== 'string' || dir === '') return undefined;
  try {
    return modelKind(modelHeader(path.resolve(path.dirname(file), dir)));
  } catch (error) {
    // Why it cannot be used is among the problems.
    if (KernelError.is(error)) return undefined;
    throw error;
  }
}

function problemsOf(loaded: LoadedConfig, file: string): Omit<CheckedConfig, 'modelKind'> {
  const { config, problems } = loaded;
  if (!config) return { problems };
  let model: ModelHeader;
  try {
    model = modelHeader(config.model);
  } catch (error) {
    return { problems: [...problems, ...located(error, loaded, file, ['model'])] };
  }
  const found = [...problems];
  const attempt = <T>(key: string, work: () => T): T | undefined => {
    try {
      return work();
    } catch (error) {
      found.push(...located(error, loaded, file, [key], model));
      return undefined;
    }
  };
  attempt('data', () => refuseLongSamples(config, model, file));
  attempt('data', () => refuseOtherFormat(config.data.format, model, file));
  attempt('data', () => refuseIdleKeys(loaded.values, model, file));
  const plan = attempt('adapter', () => planFor(config, model, file));
  return { problems: found, ...(plan && { summary: summarise(plan, model) }) };
}

function summarise(plan: AdapterPlan, { parameterCount, architecture, sites }: ModelHeader): ConfigSummary {
  return {
    trainableParameters: plan.trainedSize,
    baseParameters: parameterCount,
    adaptedModules: plan.layers.length,
    linearModules: sites.length,
    method: plan.method.id,
    modelType: architecture.id,
  };
}

/** Problems found behind the configuration, placed at the key of the configuration that led there. */
function located(
  error: unknown,
  loaded: LoadedConfig,
  file: string,
  fallback: readonly string[],
  model?: ModelHeader,
): readonly Problem[] {
  if (!KernelError.is(error)) throw error;
  const own = {
    file,
    severity: 'error' as const,
    where: fallback.join('.'),
    found: error.message,
    expected: l10n.t('expected something that can be used'),
  };
  const problems: readonly Problem[] = error.problems.length > 0 ? error.problems : [own];
  return problems.map((p) => {
    const isOurs = p.file === file && p.where !== undefined;
    const found = isOurs ? p.found : `${p.file}${p.where === undefined ? '' : `, ${p.where}`}: ${p.found}`;
    const placed = { ...p, file, where: isOurs ? p.where : fallback.join('.'), found };
    const fixed = model ? withModelFixes(placed, loaded.values, model) : placed;
    return { ...fixed, ...loaded.locate(keyPath(fixed.where ?? '')) };
  });
}

const keyPath = (where: string): (string | number)[] =>
  where.split('.').map((step) => (/^\d+$/.test(step) ? Number(step) : step));
