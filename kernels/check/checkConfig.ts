/** @file What is wrong with a configuration, and what it would train: diagnostics and the summary line of the form. */
import type { AdapterPlan } from '../adapters/plan';
import { adapterMethods } from '../adapters/registry';
import { loadConfig } from '../config/loadConfig';
import type { LoadedConfig } from '../config/loadConfig';
import type { BaseModel } from '../models/baseModel';
import { openBaseModel } from '../models/baseModel';
import type { Problem } from '../protocol/errors';
import { KernelError } from '../protocol/errors';
import type { ConfigSummary } from '../protocol/kernelApi';
import { planFor, refuseLongSamples } from '../trainer/prepare';

export function checkConfig(
  file: string,
  text?: string,
): { readonly problems: readonly Problem[]; readonly summary?: ConfigSummary } {
  const loaded = loadConfig(file, { methods: adapterMethods, ...(text !== undefined && { text }) });
  const { config, problems } = loaded;
  if (!config) return { problems };
  let model: BaseModel;
  try {
    model = openBaseModel(config.model);
  } catch (error) {
    return { problems: [...problems, ...located(error, loaded, file, ['model'])] };
  }
  try {
    const found = [...problems];
    const attempt = <T>(key: string, work: () => T): T | undefined => {
      try {
        return work();
      } catch (error) {
        found.push(...located(error, loaded, file, [key]));
        return undefined;
      }
    };
    attempt('data', () => refuseLongSamples(config, model, file));
    const plan = attempt('adapter', () => planFor(config, model, file));
    return { problems: found, ...(plan && { summary: summarise(plan, model) }) };
  } finally {
    model.checkpoint.close();
  }
}

function summarise(plan: AdapterPlan, { parameterCount, architecture }: BaseModel): ConfigSummary {
  return {
    trainableParameters: plan.trainedSize,
    baseParameters: parameterCount,
    adaptedModules: plan.layers.length,
    method: plan.method.id,
    modelType: architecture.id,
  };
}

/** Problems found behind the configuration, placed at the key of the configuration that led there. */
function located(error: unknown, loaded: LoadedConfig, file: string, fallback: readonly string[]): readonly Problem[] {
  if (!KernelError.is(error)) throw error;
  const own = {
    file,
    severity: 'error' as const,
    where: fallback.join('.'),
    found: error.message,
    expected: 'expected something that can be used',
  };
  const problems: readonly Problem[] = error.problems.length > 0 ? error.problems : [own];
  return problems.map((p) => {
    const isOurs = p.file === file && p.where !== undefined;
    const path = isOurs ? (p.where ?? '').split('.') : fallback;
    const found = isOurs ? p.found : `${p.file}${p.where === undefined ? '' : `, ${p.where}`}: ${p.found}`;
    return { ...p, file, where: path.join('.'), found, ...loaded.locate(path) };
  });
}
