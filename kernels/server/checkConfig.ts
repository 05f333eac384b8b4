/** @file What is wrong with a configuration, and what it would train: diagnostics and the summary line of the form. */
import { adapterMethods } from '../adapters/registry';
import { loadConfig } from '../config/loadConfig';
import type { LoadedConfig } from '../config/loadConfig';
import type { BaseModel } from '../models/baseModel';
import { openBaseModel } from '../models/baseModel';
import type { Problem } from '../protocol/errors';
import { KernelError } from '../protocol/errors';
import type { ConfigSummary } from '../protocol/kernelApi';
import { planFor } from '../trainer/prepare';

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
    const plan = planFor(config, model, file);
    const summary: ConfigSummary = {
      trainableParameters: plan.trainedSize,
      baseParameters: model.parameterCount,
      adaptedModules: plan.layers.length,
      method: plan.method.id,
      modelType: model.architecture.id,
    };
    return { problems, summary };
  } catch (error) {
    return { problems: [...problems, ...located(error, loaded, file, ['adapter'])] };
  } finally {
    model.checkpoint.close();
  }
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
